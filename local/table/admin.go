package table

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

type attributeDefinition struct{ AttributeName, AttributeType string }

type keyElement struct{ AttributeName, KeyType string }

type throughput struct{ ReadCapacityUnits, WriteCapacityUnits int64 }

type createTableRequest struct {
	TableName                 *string
	AttributeDefinitions      []attributeDefinition
	KeySchema                 []keyElement
	BillingMode               string
	ProvisionedThroughput     *throughput
	DeletionProtectionEnabled bool
	GlobalSecondaryIndexes    []json.RawMessage
	LocalSecondaryIndexes     []json.RawMessage
}

// tableName checks the name of a request, which may also be the table's ARN.
func tableName(name *string) (string, error) {
	if name == nil {
		return "", invalid("1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null")
	}
	if strings.HasPrefix(*name, "arn:") {
		if i := strings.LastIndex(*name, ":table/"); i >= 0 {
			short := (*name)[i+len(":table/"):]
			name = &short
		}
	}
	strange := func(r rune) bool { return !isWordRune(r) && r != '.' && r != '-' }
	if len(*name) < 3 || len(*name) > 255 || strings.IndexFunc(*name, strange) >= 0 {
		return "", invalid("Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'")
	}
	return *name, nil
}

func (t *Table) createTable(r *createTableRequest) ([]byte, error) {
	name, err := tableName(r.TableName)
	if err != nil {
		return nil, err
	}
	s := &schema{Name: name, Created: time.Now().UnixMilli(), Protected: r.DeletionProtectionEnabled}
	if err := s.setKey(r); err != nil {
		return nil, err
	}
	if err := s.setBilling(r.BillingMode, r.ProvisionedThroughput); err != nil {
		return nil, err
	}
	var id [16]byte
	// It never fails.
	_, _ = rand.Read(id[:])
	s.ID = hex.EncodeToString(id[:])
	err = t.writes.run(func(tx *bolt.Tx) (bool, error) {
		_, err := tx.Bucket(itemsBucket()).CreateBucket([]byte(name))
		if errors.Is(err, bolterrors.ErrBucketExists) {
			return false, inUse("Table already exists: %s", name)
		}
		if err != nil {
			return false, err
		}
		return true, s.save(tx)
	})
	if err != nil {
		return nil, err
	}
	return s.description("TableDescription", "ACTIVE", 0, 0), nil
}

// setKey takes the key over from a request, which must define the key's attributes and no others.
func (s *schema) setKey(r *createTableRequest) error {
	if len(r.GlobalSecondaryIndexes)+len(r.LocalSecondaryIndexes) > 0 {
		return invalid("Secondary indexes are not supported by this endpoint")
	}
	if len(r.KeySchema) == 0 || len(r.KeySchema) > 2 {
		return invalid("1 validation error detected: Value at 'keySchema' failed to satisfy constraint: Member must have one or two elements")
	}
	types := map[string]string{}
	for _, d := range r.AttributeDefinitions {
		if k := kindOf(d.AttributeType); !k.isOrdered() {
			return invalid("1 validation error detected: Value '%s' at 'attributeDefinitions' failed to satisfy constraint: Member must satisfy enum value set: [B, N, S]", d.AttributeType)
		}
		types[d.AttributeName] = d.AttributeType
	}
	for i, e := range r.KeySchema {
		if want := []string{"HASH", "RANGE"}[i]; e.KeyType != want {
			return invalid("Invalid KeySchema: The KeyType of element %d must be %s", i+1, want)
		}
		if types[e.AttributeName] == "" || e.AttributeName == "" {
			return invalid("One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [%s]", e.AttributeName)
		}
		*[]*keyPart{&s.Hash, &s.Range}[i] = keyPart{e.AttributeName, types[e.AttributeName]}
	}
	if s.Hash.Name == s.Range.Name {
		return invalid("Invalid KeySchema: Both the Hash Key and the Range Key element in the KeySchema have the same name")
	}
	if len(types) != len(r.KeySchema) || len(types) != len(r.AttributeDefinitions) {
		return invalid("One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	return nil
}

func (s *schema) setBilling(mode string, p *throughput) error {
	if err := oneOf("billingMode", mode, "PROVISIONED", "PAY_PER_REQUEST"); err != nil {
		return err
	}
	if mode == "PAY_PER_REQUEST" {
		if p != nil {
			return invalid("One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		s.Billing = mode
		return nil
	}
	if p == nil || p.ReadCapacityUnits < 1 || p.WriteCapacityUnits < 1 {
		return invalid("One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	s.Billing, s.Read, s.Write = "PROVISIONED", p.ReadCapacityUnits, p.WriteCapacityUnits
	return nil
}

// oneOf checks a parameter with few values; the empty one is a parameter not given.
func oneOf(what, given string, allowed ...string) error {
	for _, a := range allowed {
		if given == a || given == "" {
			return nil
		}
	}
	return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy enum value set: [%s]", given, what, strings.Join(allowed, ", "))
}

// description renders the reply that describes a table.
func (s *schema) description(name, status string, count, size int) []byte {
	definitions, keys := []attributeDefinition{}, []keyElement{}
	for i, part := range s.parts() {
		definitions = append(definitions, attributeDefinition{part.Name, part.Type})
		keys = append(keys, keyElement{part.Name, []string{"HASH", "RANGE"}[i]})
	}
	d, _ := json.Marshal(definitions)
	k, _ := json.Marshal(keys)
	created := float64(s.Created) / 1000
	units := newObject()
	units.num("NumberOfDecreasesToday", 0)
	units.num("ReadCapacityUnits", float64(s.Read))
	units.num("WriteCapacityUnits", float64(s.Write))
	o := newObject()
	o.str("TableName", s.Name)
	o.str("TableStatus", status)
	o.str("TableArn", "arn:aws:dynamodb:local:000000000000:table/"+s.Name)
	o.str("TableId", s.ID)
	o.num("CreationDateTime", created)
	o.raw("AttributeDefinitions", d)
	o.raw("KeySchema", k)
	o.raw("ProvisionedThroughput", units.close())
	if s.Billing == "PAY_PER_REQUEST" {
		billing := newObject()
		billing.str("BillingMode", s.Billing)
		billing.num("LastUpdateToPayPerRequestDateTime", created)
		o.raw("BillingModeSummary", billing.close())
	}
	o.num("ItemCount", float64(count))
	o.num("TableSizeBytes", float64(size))
	o.boolean("DeletionProtectionEnabled", s.Protected)
	reply := newObject()
	reply.raw(name, o.close())
	return reply.close()
}

type tableRequest struct{ TableName *string }

func (t *Table) describeTable(r *tableRequest) ([]byte, error) {
	name, err := tableName(r.TableName)
	if err != nil {
		return nil, err
	}
	var reply []byte
	err = t.view(func(tx *bolt.Tx) error {
		s, err := findSchema(tx, name)
		if err != nil {
			return err
		}
		stats := s.items(tx).Stats()
		reply = s.description("Table", "ACTIVE", stats.KeyN, stats.LeafInuse)
		return nil
	})
	return reply, err
}

func (t *Table) deleteTable(r *tableRequest) ([]byte, error) {
	name, err := tableName(r.TableName)
	if err != nil {
		return nil, err
	}
	var reply []byte
	err = t.writes.run(func(tx *bolt.Tx) (bool, error) {
		s, err := findSchema(tx, name)
		if err != nil {
			return false, err
		}
		if s.Protected {
			return false, invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
		}
		reply = s.description("TableDescription", "DELETING", 0, 0)
		return true, errors.Join(tx.Bucket(itemsBucket()).DeleteBucket([]byte(name)), tx.Bucket(tablesBucket()).Delete([]byte(name)))
	})
	return reply, err
}

type updateTableRequest struct {
	TableName                 *string
	BillingMode               string
	ProvisionedThroughput     *throughput
	DeletionProtectionEnabled *bool
}

// updateTable changes how a table is billed and whether it may be deleted, which is what can change of a table without indexes.
func (t *Table) updateTable(r *updateTableRequest) ([]byte, error) {
	return t.changeTable(r.TableName, func(s *schema) ([]byte, error) {
		if r.BillingMode != "" || r.ProvisionedThroughput != nil {
			mode := r.BillingMode
			if mode == "" {
				mode = s.Billing
			}
			if err := s.setBilling(mode, r.ProvisionedThroughput); err != nil {
				return nil, err
			}
		}
		if r.DeletionProtectionEnabled != nil {
			s.Protected = *r.DeletionProtectionEnabled
		}
		return s.description("TableDescription", "ACTIVE", 0, 0), nil
	})
}

// changeTable rewrites a schema; change gives the reply.
func (t *Table) changeTable(given *string, change func(*schema) ([]byte, error)) ([]byte, error) {
	name, err := tableName(given)
	if err != nil {
		return nil, err
	}
	var reply []byte
	err = t.writes.run(func(tx *bolt.Tx) (bool, error) {
		s, err := findSchema(tx, name)
		if err != nil {
			return false, err
		}
		if reply, err = change(s); err != nil {
			return false, err
		}
		return true, s.save(tx)
	})
	return reply, err
}

type listTablesRequest struct {
	ExclusiveStartTableName string
	Limit                   *int
}

func (t *Table) listTables(r *listTablesRequest) ([]byte, error) {
	most := 100
	if r.Limit != nil {
		if most = *r.Limit; most < 1 || most > 100 {
			return nil, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and 100", most)
		}
	}
	names, last := []string{}, ""
	err := t.view(func(tx *bolt.Tx) error {
		cursor := tx.Bucket(tablesBucket()).Cursor()
		for k, _ := cursor.Seek(next([]byte(r.ExclusiveStartTableName))); k != nil; k, _ = cursor.Next() {
			if len(names) == most {
				last = names[most-1]
				return nil
			}
			names = append(names, string(k))
		}
		return nil
	})
	list, _ := json.Marshal(names)
	o := newObject()
	o.raw("TableNames", list)
	if last != "" {
		o.str("LastEvaluatedTableName", last)
	}
	return o.close(), err
}

type timeToLiveRequest struct {
	TableName               *string
	TimeToLiveSpecification *struct {
		AttributeName string
		Enabled       bool
	}
}

// updateTimeToLive keeps the setting. Items do not end by it: the service promises nothing about when they do, and readers must look at
// the time themselves.
func (t *Table) updateTimeToLive(r *timeToLiveRequest) ([]byte, error) {
	want := r.TimeToLiveSpecification
	if want == nil {
		return nil, invalid("1 validation error detected: Value null at 'timeToLiveSpecification' failed to satisfy constraint: Member must not be null")
	}
	if len(want.AttributeName) < 1 || len(want.AttributeName) > 255 {
		return nil, invalid("1 validation error detected: Value '%s' at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member must have length between 1 and 255", clip(want.AttributeName))
	}
	return t.changeTable(r.TableName, func(s *schema) ([]byte, error) {
		switch {
		case s.TTL == "" && !want.Enabled:
			return nil, invalid("TimeToLive is already disabled")
		case s.TTL != "" && s.TTL != want.AttributeName:
			return nil, invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", s.TTL)
		case s.TTL != "" && want.Enabled:
			return nil, invalid("TimeToLive is already enabled")
		}
		s.TTL = ""
		if want.Enabled {
			s.TTL = want.AttributeName
		}
		spec := newObject()
		spec.str("AttributeName", want.AttributeName)
		spec.boolean("Enabled", want.Enabled)
		o := newObject()
		o.raw("TimeToLiveSpecification", spec.close())
		return o.close(), nil
	})
}

func (t *Table) describeTimeToLive(r *tableRequest) ([]byte, error) {
	name, err := tableName(r.TableName)
	if err != nil {
		return nil, err
	}
	d := newObject()
	err = t.view(func(tx *bolt.Tx) error {
		s, err := findSchema(tx, name)
		if err != nil {
			return err
		}
		if s.TTL == "" {
			d.str("TimeToLiveStatus", "DISABLED")
			return nil
		}
		d.str("AttributeName", s.TTL)
		d.str("TimeToLiveStatus", "ENABLED")
		return nil
	})
	o := newObject()
	o.raw("TimeToLiveDescription", d.close())
	return o.close(), err
}
