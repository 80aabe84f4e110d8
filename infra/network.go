package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/constructs-go/constructs/v10"
)

// makeEndpoints makes the endpoints by which functions and pollers in a VPC reach AWS without a NAT gateway.
func (r *Runtime) makeEndpoints() {
	p := r.Parameters
	scope := constructs.NewConstruct(r.Construct, new("Endpoints"))
	make1 := func(id, service, condition string, props awsec2.CfnVPCEndpointProps) {
		props.VpcId = p.VpcID.ValueAsString()
		props.ServiceName = awscdk.Fn_Join(new("."), &[]*string{new("com.amazonaws"), awscdk.Aws_REGION(), &service})
		awsec2.NewCfnVPCEndpoint(scope, &id, &props).CfnOptions().SetCondition(p.when(condition))
	}
	for _, e := range [][2]string{{"DynamoDb", "dynamodb"}, {"S3", "s3"}} {
		props := awsec2.CfnVPCEndpointProps{VpcEndpointType: new("Gateway"), RouteTableIds: anys(p.RouteTableIDs)}
		make1(e[0], e[1], hasRouteTables, props)
	}
	// Lambda and STS are what Kafka triggers call, the others what functions do.
	for _, e := range [][2]string{{"Lambda", "lambda"}, {"Sts", "sts"}, {"SecretsManager", "secretsmanager"}, {"Scheduler", "scheduler"}} {
		props := awsec2.CfnVPCEndpointProps{
			VpcEndpointType: new("Interface"), PrivateDnsEnabled: true,
			SubnetIds: anys(p.SubnetIDs), SecurityGroupIds: anys(p.SecurityGroupIDs),
		}
		make1(e[0], e[1], hasEndpoints, props)
	}
}

// anys is a parameter of several ids as a list for properties that take anything.
func anys(param awscdk.CfnParameter) *[]any {
	tokens := *list(param)
	out := make([]any, len(tokens))
	for i, token := range tokens {
		out[i] = token
	}
	return &out
}
