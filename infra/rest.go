package infra

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
)

// A sharedFunction runs all connectors of a class that REST makes.
type sharedFunction struct {
	class    Class
	scope    constructs.Construct
	role     awsiam.Role
	function awslambda.Function
}

// makeShared makes the functions of connectors that are created by REST. What they may do is bounded by prefixes, since
// their names and topics are not known before.
func (r *Runtime) makeShared() {
	if len(r.props.Rest) == 0 {
		return
	}
	p := r.Parameters
	prefix := func(name, doc string) awscdk.CfnParameter {
		return p.text(parameter{name: name, pattern: `^[A-Za-z0-9._/-]{0,128}$`, constraint: "letters, digits, dots, dashes, slashes and underscores", doc: doc})
	}
	names := prefix("RestNamePrefix", "What the names of connectors that REST creates must begin with. Empty: anything.")
	topics := prefix("RestTopicPrefix", "What the topics of connectors that REST creates must begin with, if brokers are signed in to by IAM. Empty: anything.")
	secrets := prefix("RestSecretPrefix", "What the names of secrets begin with that connectors created by REST may read. Empty: none.")
	some := awscdk.NewCfnCondition(p.scope, new(hasRestSecrets), &awscdk.CfnConditionProps{
		Expression: awscdk.Fn_ConditionNot(awscdk.Fn_ConditionEquals(secrets.ValueAsString(), "")),
	})
	p.conditions[hasRestSecrets] = some
	for _, class := range classes() {
		if !slices.Contains(r.props.Rest, class.System) {
			continue
		}
		r.shared = append(r.shared, r.share(class, starred(names), starred(topics), starred(secrets)))
	}
}

const hasRestSecrets = "HasRestSecrets"

func starred(param awscdk.CfnParameter) string { return *param.ValueAsString() + "*" }

func (r *Runtime) share(class Class, names, topics, secrets string) sharedFunction {
	p := r.Parameters
	id := "Shared" + word(class.System) + word(class.Direction)
	scope := constructs.NewConstruct(r.Construct, &id)
	rights := newRights(scope, p, "all connectors of class "+class.Name+" that REST creates")
	rights.secrets()
	rights.table(class.Direction, r.Table.TableArn(), "StringLike", names)
	rights.allow("ReadSecrets", hasRestSecrets, "Secrets of connectors that REST creates are bounded by a prefix.", &awsiam.PolicyStatementProps{
		Actions: &[]*string{new("secretsmanager:GetSecretValue")},
		Resources: &[]*string{awscdk.Stack_Of(scope).FormatArn(&awscdk.ArnComponents{
			Service: new("secretsmanager"), Resource: new("secret"), ResourceName: &secrets, ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
		})},
	})
	// What they will convert with is not known before.
	props := functionProps{binary: class.function(true), what: fmt.Sprintf("All connectors of class %s that REST creates", class.Name)}
	if class.Direction == source {
		rights.kafka([]string{topics}, nil, nil)
		props.memory, props.time = p.SourceMemory.ValueAsNumber(), awscdk.Duration_Seconds(p.SourceTimeout.ValueAsNumber())
	} else {
		rights.kafka([]string{topics}, []string{topics}, []string{"connect-*"})
		rights.trigger()
		props.memory, props.time = p.SinkMemory.ValueAsNumber(), awscdk.Duration_Seconds(p.SinkTimeout.ValueAsNumber())
	}
	s := sharedFunction{class: class, scope: scope, role: rights.role, function: r.deploy(scope, id, rights, props)}
	r.serves(class, s.function, true)
	onlyOnce(scope, s.function)
	if class.Direction == source {
		rights.itself(s.function)
	}
	if class.Direction == source || class.Ticks {
		r.mayInvoke(scope, s.function)
	}
	return s
}

func word(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
