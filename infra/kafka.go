package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// client is a JSON object of the properties by which functions reach Kafka, as their environment holds it. Passwords and
// keys are placeholders, resolved by a function when it starts.
func (p *Parameters) client() *string {
	brokers, secret, ca := p.Brokers.ValueAsString(), p.SecretArn.ValueAsString(), p.CaSecretArn.ValueAsString()
	placeholder := func(arn *string, key string) string { return "${secretsManager:" + *arn + ":" + key + "}" }
	password := func(mechanism, module string) string {
		return `,"security.protocol":"SASL_SSL","sasl.mechanism":"` + mechanism + `","sasl.jaas.config":"org.apache.kafka.common.security.` + module +
			` required username=\"` + placeholder(secret, "username") + `\" password=\"` + placeholder(secret, "password") + `\";"`
	}
	const iam = `,"security.protocol":"SASL_SSL","sasl.mechanism":"AWS_MSK_IAM"` +
		`,"sasl.jaas.config":"software.amazon.msk.auth.iam.IAMLoginModule required;"` +
		`,"sasl.client.callback.handler.class":"software.amazon.msk.auth.iam.IAMClientCallbackHandler"`
	mtls := `,"security.protocol":"SSL","ssl.keystore.type":"PEM","ssl.keystore.certificate.chain":"` + placeholder(secret, "certificate") +
		`","ssl.keystore.key":"` + placeholder(secret, "privateKey") + `"`
	signIn := p.eitherText(isIAM, iam,
		p.eitherText(isScram512, password("SCRAM-SHA-512", "scram.ScramLoginModule"),
			p.eitherText(isScram256, password("SCRAM-SHA-256", "scram.ScramLoginModule"),
				p.eitherText(isPlain, password("PLAIN", "plain.PlainLoginModule"),
					p.eitherText(isMTLS, mtls,
						p.eitherText(isEncrypted, `,"security.protocol":"SSL"`, ""))))))
	trust := p.eitherText(hasCA, `,"ssl.truststore.type":"PEM","ssl.truststore.certificates":"`+placeholder(ca, "certificate")+`"`, "")
	return awscdk.Fn_Join(new(""), &[]*string{new(`{"bootstrap.servers":"`), brokers, new(`"`), signIn, trust, new(`}`)})
}

// access is how a Kafka trigger reaches the brokers: by its function's role and what this list says.
func (p *Parameters) access() any {
	config := func(kind string, uri *string) map[string]any { return map[string]any{"Type": kind, "URI": uri} }
	secret := p.SecretArn.ValueAsString()
	of := func(condition, kind string) any {
		return p.either(condition, config(kind, secret), nil)
	}
	entries := []any{
		of(isScram512, "SASL_SCRAM_512_AUTH"), of(isScram256, "SASL_SCRAM_256_AUTH"), of(isPlain, "BASIC_AUTH"),
		of(isMTLS, "CLIENT_CERTIFICATE_TLS_AUTH"),
		p.either(isMSK, nil, p.either(hasCA, config("SERVER_ROOT_CA_CERTIFICATE", p.CaSecretArn.ValueAsString()), nil)),
	}
	return p.either(hasAccess, append(entries, p.places()...), nil)
}

// places say where the pollers of a cluster that is not MSK's stand: those of MSK stand where the cluster does. The number
// of subnets and groups is not known before the deployment, but a list of this form cannot grow by then; so there are as
// many slots as the parameters take ids.
func (p *Parameters) places() []any {
	var entries []any
	add := func(param awscdk.CfnParameter, kind, prefix string, most int) {
		for i := range most {
			padded := awscdk.Fn_Split(new(","), awscdk.Fn_Join(new(","), &[]*string{
				param.ValueAsString(), new(","), new(","), new(","),
			}), nil)
			entry := awscdk.Fn_Select(jsii.Number(float64(i)), padded)
			condition := p.slot(param, i, entry)
			entries = append(entries, p.either(condition, map[string]any{
				"Type": kind, "URI": awscdk.Fn_Join(new(":"), &[]*string{&prefix, entry}),
			}, nil))
		}
	}
	add(p.SubnetIDs, "VPC_SUBNET", "subnet", mostSubnets)
	add(p.SecurityGroupIDs, "VPC_SECURITY_GROUP", "security_group", mostGroups)
	return entries
}

// slot is the condition that a list has an entry at a place, and that a trigger needs to be told of it.
func (p *Parameters) slot(param awscdk.CfnParameter, i int, entry *string) string {
	name := "Has" + *param.Node().Id() + string(rune('1'+i))
	if _, ok := p.conditions[name]; !ok {
		p.conditions[name] = awscdk.NewCfnCondition(p.scope, &name, &awscdk.CfnConditionProps{
			Expression: awscdk.Fn_ConditionAnd(
				awscdk.Fn_ConditionEquals(p.ClusterArn.ValueAsString(), ""),
				awscdk.Fn_ConditionNot(awscdk.Fn_ConditionEquals(entry, "")),
			),
		})
	}
	return name
}

// msk is the ARN, on the MSK cluster, of a topic, a consumer group or a transactional id, which are named alike.
func (p *Parameters) msk(kind, name string) *string {
	cluster := awscdk.Fn_Join(new(":"+kind+"/"), awscdk.Fn_Split(new(":cluster/"), p.ClusterArn.ValueAsString(), nil))
	return awscdk.Fn_Join(new("/"), &[]*string{cluster, &name})
}
