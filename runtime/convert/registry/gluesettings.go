package registry

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/convert"
)

// glueSettings are the settings that the converters of AWS Glue share.
type glueSettings struct {
	kind                            string
	region, endpoint, proxy         string
	registry, schemaName            string
	description, compatibility      string
	nameClass                       string
	compression                     string
	autoRegister                    bool
	dataFormat, recordType, message string
	cacheSize                       int
	ttl                             time.Duration
	role, session                   string
	unusable                        string
	secondary                       string

	// confluentSettings are those of the registry that a second deserializer asks.
	confluentSettings common
}

func (g *glueSettings) define(d *config.Def) {
	d.String(&g.kind, convert.TypeKey, "", "How this converter will be used.", config.Required(),
		config.Check(config.In(convert.KeyType, convert.ValueType, convert.HeaderType)), config.Low)
	d.String(&g.region, "region", "", "The AWS region of the registry. Defaults to that of the function.", config.High)
	d.String(&g.endpoint, "endpoint", "", "The URL of AWS Glue, where it is not the region's own.")
	d.String(&g.registry, "registry.name", "default-registry", "The name of the registry in AWS Glue.", config.High)
	d.String(&g.schemaName, "schemaName", "", "The name of the schema in the registry. Defaults to the topic, for keys and values alike.")
	d.String(&g.nameClass, "schemaNameGenerationClass", "", "The Java class that names schemas. There is none but "+defaultNaming+", which takes the topic.",
		config.Check(config.Func("", checkNaming)))
	d.Bool(&g.autoRegister, "schemaAutoRegistrationEnabled", false, "Whether schemas that the registry does not know are registered.", config.High)
	d.String(&g.compatibility, "compatibility", "BACKWARD", "What new versions of schemas that are made here must be able to do.",
		config.Check(config.CaseInsensitiveIn(compatibilities()...)))
	d.String(&g.description, "description", "", "The description of schemas that are made here. Defaults to DEFAULT-DESCRIPTION, the region and the registry.", config.Low)
	d.String(&g.compression, "compression", "NONE", "Whether values are compressed: NONE or ZLIB. What is compressed is read in any case.",
		config.Check(config.CaseInsensitiveIn("NONE", "ZLIB")))
	d.String(&g.recordType, "avroRecordType", "GENERIC_RECORD", "GENERIC_RECORD, SPECIFIC_RECORD or UNKNOWN: in Connect they are the same.",
		config.Check(config.In("GENERIC_RECORD", "SPECIFIC_RECORD", "UNKNOWN")), config.Low)
	d.String(&g.message, "protobufMessageType", "DYNAMIC_MESSAGE", "DYNAMIC_MESSAGE, POJO or UNKNOWN: in Connect they are the same.",
		config.Check(config.In("DYNAMIC_MESSAGE", "POJO", "UNKNOWN")), config.Low)
	d.String(&g.dataFormat, "dataFormat", "", "The format, which is that of the converter.")
	d.Int(&g.cacheSize, "cacheSize", 200, "How many schemas are remembered.", config.Low)
	d.Millis(&g.ttl, "timeToLiveMillis", 24*time.Hour, "How long they are.", config.Low)
	d.String(&g.proxy, "proxyUrl", "", "The URL of the HTTP proxy to AWS, if there is one.", config.Low)
	d.String(&g.role, "assumeRoleArn", "", "A role to take on, such as one of another account that has the registry.")
	d.String(&g.session, "assumeRoleSessionName", "sluice", "The name of that role's session.", config.Low)
	d.String(&g.secondary, "secondaryDeserializer", "", "The Java class that reads records which another registry's serializer wrote: "+
		strings.Join(secondaries(), " or ")+". The settings of Confluent's converters are its own.", config.Check(config.Func("", checkSecondary)))
	// Maps and lists, which no configuration of Connect holds: Java's converter fails for any value, too.
	for _, name := range []string{"tags", "metadata", "jacksonSerializationFeatures", "jacksonDeserializationFeatures"} {
		d.String(&g.unusable, name, "", "Cannot be used in Connect, for it is no text.", config.Check(config.Func("", checkUnusable)), config.Internal())
	}
	g.confluentSettings.defineReading(d)
}

func checkUnusable(name string, value any) error {
	if text, _ := value.(string); text != "" {
		return config.Invalid(name, value, "It would have to be a map or a list, which a configuration of Connect cannot hold.")
	}
	return nil
}

// defaultNaming is the class by which schemas are named after their topics.
const defaultNaming = "com.amazonaws.services.schemaregistry.common.AWSSchemaNamingStrategyDefaultImpl"

func checkNaming(name string, value any) error {
	if class, _ := value.(string); class != "" && class != defaultNaming {
		return config.Invalid(name, value, "Only "+defaultNaming+" is there: name the schema by schemaName.")
	}
	return nil
}

func compatibilities() []string {
	var all []string
	for _, c := range types.Compatibility("").Values() {
		all = append(all, string(c))
	}
	return all
}

// secondaries are the deserializers of another registry whose records can be read among Glue's.
func secondaries() []string {
	return []string{secondaryAvro, secondaryProtobuf}
}

const (
	secondaryAvro     = "io.confluent.kafka.serializers.KafkaAvroDeserializer"
	secondaryProtobuf = "io.confluent.kafka.serializers.protobuf.KafkaProtobufDeserializer"
)

func checkSecondary(name string, value any) error {
	if class, _ := value.(string); class != "" && !slices.Contains(secondaries(), class) {
		return config.Invalid(name, value, "It can be "+strings.Join(secondaries(), " or ")+".")
	}
	return nil
}

// open makes the client. Nothing is asked of Glue.
func (g *glueSettings) open() (*glueClient, error) {
	region := cmp.Or(g.region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
	if region == "" {
		return nil, config.Errorf("region", "Region is not defined in the properties")
	}
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = 2
		t.ResponseHeaderTimeout = 30 * time.Second
	})
	if g.proxy != "" {
		proxy, err := url.Parse(g.proxy)
		if err != nil || proxy.Host == "" {
			return nil, config.Errorf("proxyUrl", "Proxy URL property is not a valid URL: %s", g.proxy)
		}
		client = client.WithTransportOptions(func(t *http.Transport) { t.Proxy = http.ProxyURL(proxy) })
	}
	var identity aws.CredentialsProvider = aws.CredentialsProviderFunc(fromEnvironment)
	if g.role != "" {
		service := sts.New(sts.Options{Region: region, Credentials: identity, HTTPClient: client, BaseEndpoint: set(os.Getenv("AWS_ENDPOINT_URL_STS"))})
		identity = stscreds.NewAssumeRoleProvider(service, g.role, func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = g.session })
	}
	api := glue.New(glue.Options{
		Region: region, Credentials: aws.NewCredentialsCache(identity), HTTPClient: client, Logger: logging.Nop{},
		// The converters have patience of their own.
		Retryer:      aws.NopRetryer{},
		BaseEndpoint: set(cmp.Or(g.endpoint, os.Getenv("AWS_ENDPOINT_URL_GLUE"), os.Getenv("AWS_ENDPOINT_URL"))),
	})
	return &glueClient{
		memory: memory{retries: 3, wait: 200 * time.Millisecond, most: 20 * time.Second, size: max(g.cacheSize, 1)},
		api:    api, registry: g.registry, ttl: g.ttl, compat: types.Compatibility(strings.ToUpper(g.compatibility)),
		description: cmp.Or(g.description, "DEFAULT-DESCRIPTION-"+region+"-"+g.registry),
	}, nil
}

// fromEnvironment are the credentials of a function's role, which Lambda puts into its environment.
func fromEnvironment(context.Context) (aws.Credentials, error) {
	c := aws.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: os.Getenv("AWS_SESSION_TOKEN"), Source: "environment",
	}
	if !c.HasKeys() {
		return c, errors.New("no credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set")
	}
	return c, nil
}

func set(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
