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
	is := func(param awscdk.CfnParameter, values ...string) awscdk.ICfnConditionExpression {
		all := make([]awscdk.ICfnConditionExpression, len(values))
		for i, value := range values {
			all[i] = awscdk.Fn_ConditionEquals(param.ValueAsString(), value)
		}
		if len(all) == 1 {
			return all[0]
		}
		return awscdk.Fn_ConditionOr(all...)
	}
	some := func(param awscdk.CfnParameter) awscdk.ICfnConditionExpression {
		return awscdk.Fn_ConditionNot(is(param, ""))
	}
	var e awscdk.ICfnConditionExpression
	switch name {
	case isMSK:
		e = some(p.ClusterArn)
	case isIAM:
		e = is(p.Authentication, authIAM)
	case isEncrypted:
		e = awscdk.Fn_ConditionNot(is(p.Authentication, authNone))
	case isMTLS:
		e = is(p.Authentication, authMTLS)
	case isPlain:
		e = is(p.Authentication, authPlain)
	case isScram256:
		e = is(p.Authentication, authScram256)
	case isScram512:
		e = is(p.Authentication, authScram512)
	case hasSecret:
		e = some(p.SecretArn)
	case hasCA:
		e = some(p.CaSecretArn)
	case hasSecretKey:
		e = some(p.SecretKeyArn)
	case inVPC:
		e = some(p.SubnetIds)
	case hasRouteTables:
		e = some(p.RouteTableIds)
	case hasEndpoints:
		e = is(p.InterfaceEndpoints, "true")
	case isProvisioned:
		e = awscdk.Fn_ConditionNot(is(p.MinimumPollers, "0"))
	case hasPollerGroup:
		e = some(p.PollerGroup)
	case hasRestAPI:
		e = awscdk.Fn_ConditionNot(is(p.RestAPI, "OFF"))
	case hasRestToken:
		e = is(p.RestAPI, "TOKEN")
	case hasAlarmTopic:
		e = some(p.AlarmTopicArn)
	case hasAccess:
		outside := awscdk.Fn_ConditionAnd(is(p.ClusterArn, ""), awscdk.Fn_ConditionOr(some(p.CaSecretArn), some(p.SubnetIds)))
		e = awscdk.Fn_ConditionOr(is(p.Authentication, authPlain, authScram256, authScram512, authMTLS), outside)
	default:
		panic("infra: no condition " + name)
	}
	c := awscdk.NewCfnCondition(p.scope, &name, &awscdk.CfnConditionProps{Expression: e})
	p.conditions[name] = c
	return c
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
