package infra

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
)

// when is the condition of that name, made at its first use: CloudFormation frowns on conditions that nobody looks at.
func (p *Parameters) when(name string) awscdk.CfnCondition {
	if c, ok := p.conditions[name]; ok {
		return c
	}
	c := awscdk.NewCfnCondition(p.scope, &name, &awscdk.CfnConditionProps{Expression: p.expression(name)})
	p.conditions[name] = c
	return c
}

// expression is what a condition of that name asks.
func (p *Parameters) expression(name string) awscdk.ICfnConditionExpression {
	switch name {
	case isMSK:
		return some(p.ClusterArn)
	case isIAM:
		return is(p.Authentication, authIAM)
	case isEncrypted:
		return awscdk.Fn_ConditionNot(is(p.Authentication, authNone))
	case isMTLS:
		return is(p.Authentication, authMTLS)
	case isPlain:
		return is(p.Authentication, authPlain)
	case isScram256:
		return is(p.Authentication, authScram256)
	case isScram512:
		return is(p.Authentication, authScram512)
	case hasSecret:
		return some(p.SecretArn)
	case hasCA:
		return some(p.CaSecretArn)
	case hasSecretKey:
		return some(p.SecretKeyArn)
	case inVPC:
		return some(p.SubnetIDs)
	case hasRouteTables:
		return some(p.RouteTableIDs)
	case hasEndpoints:
		return is(p.InterfaceEndpoints, "true")
	case isProvisioned:
		return awscdk.Fn_ConditionNot(is(p.MinimumPollers, "0"))
	case hasPollerGroup:
		return some(p.PollerGroup)
	case hasRestAPI:
		return awscdk.Fn_ConditionNot(is(p.RestAPI, "OFF"))
	case hasRestToken:
		return is(p.RestAPI, "TOKEN")
	case hasAlarmTopic:
		return some(p.AlarmTopicArn)
	case hasAccess:
		outside := awscdk.Fn_ConditionAnd(is(p.ClusterArn, ""), awscdk.Fn_ConditionOr(some(p.CaSecretArn), some(p.SubnetIDs)))
		return awscdk.Fn_ConditionOr(is(p.Authentication, authPlain, authScram256, authScram512, authMTLS), outside)
	}
	panic("infra: no condition " + name)
}

// is asks whether a parameter has one of the values.
func is(param awscdk.CfnParameter, values ...string) awscdk.ICfnConditionExpression {
	all := make([]awscdk.ICfnConditionExpression, len(values))
	for i, value := range values {
		all[i] = awscdk.Fn_ConditionEquals(param.ValueAsString(), value)
	}
	if len(all) == 1 {
		return all[0]
	}
	return awscdk.Fn_ConditionOr(all...)
}

// some asks whether a parameter is not empty.
func some(param awscdk.CfnParameter) awscdk.ICfnConditionExpression {
	return awscdk.Fn_ConditionNot(is(param, ""))
}

// The conditions.
const (
	isMSK          = "OnMsk"
	isIAM          = "SignsInByIam"
	isEncrypted    = "SpeaksTls"
	isMTLS         = "SignsInByCertificate"
	isPlain        = "SignsInByPlain"
	isScram256     = "SignsInByScram256"
	isScram512     = "SignsInByScram512"
	hasSecret      = "HasKafkaSecret"
	hasCA          = "HasKafkaCaSecret"
	hasSecretKey   = "HasKafkaSecretKey"
	hasAccess      = "HasSourceAccess"
	inVPC          = "InVpc"
	hasRouteTables = "HasRouteTables"
	hasEndpoints   = "HasInterfaceEndpoints"
	isProvisioned  = "HasProvisionedPollers"
	hasPollerGroup = "HasPollerGroup"
	hasRestAPI     = "HasRestApi"
	hasRestToken   = "HasRestToken"
	hasAlarmTopic  = "HasAlarmTopic"
)

// either is a where the condition holds, and b elsewhere; nil is nothing at all.
func (p *Parameters) either(condition string, a, b any) awscdk.ICfnRuleConditionExpression {
	nothing := func(v any) any {
		if v == nil {
			return awscdk.Fn_Ref(new("AWS::NoValue"))
		}
		return v
	}
	return awscdk.Fn_ConditionIf(p.when(condition).LogicalId(), nothing(a), nothing(b))
}

func (p *Parameters) eitherText(condition string, a, b any) *string {
	return awscdk.Token_AsString(p.either(condition, a, b), nil)
}

func (p *Parameters) eitherNumber(condition string, a, b any) *float64 {
	return awscdk.Token_AsNumber(p.either(condition, a, b))
}

func (p *Parameters) eitherList(condition string, a, b any) *[]*string {
	return awscdk.Token_AsList(p.either(condition, a, b), nil)
}

// list is a parameter of several values with commas between, as a list.
func list(param awscdk.CfnParameter) *[]*string {
	return awscdk.Fn_Split(new(","), param.ValueAsString(), nil)
}

func arn(service, resource string) string { return fmt.Sprintf(arnPattern, service, resource) }

// ids is the pattern of up to so many ids of a kind.
func ids(kind string, most int) string {
	return fmt.Sprintf(idsPattern, kind, kind, most-1)
}
