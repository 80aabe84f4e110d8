package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
)

// makeDoors makes the ways to Connect's REST API: a function URL for callers that sign, and an HTTP API if it is wanted.
func (r *Runtime) makeDoors() {
	r.URL = awslambda.NewCfnUrl(r.Construct, new("Url"), &awslambda.CfnUrlProps{
		AuthType: new("AWS_IAM"), TargetFunctionArn: r.Control.FunctionArn(),
	})
	output(r.Construct, "RestUrl", r.URL.AttrFunctionUrl(), "Connect's REST API, for requests signed with AWS Signature Version 4: sluice proxy --url signs them.")

	// Since October 2025 a caller needs both actions.
	byURL := actions(r.Control.FunctionArn(), "lambda:InvokeFunctionUrl")
	byURL.Conditions = &map[string]any{"StringEquals": map[string]any{"lambda:FunctionUrlAuthType": "AWS_IAM"}}
	through := actions(r.Control.FunctionArn(), "lambda:InvokeFunction")
	through.Conditions = &map[string]any{"Bool": map[string]any{"lambda:InvokedViaFunctionUrl": "true"}}
	access := awsiam.NewManagedPolicy(r.Construct, new("RestAccess"), &awsiam.ManagedPolicyProps{
		Description: new("Lets a user or a role manage the connectors of this stack"),
		Statements:  &[]awsiam.PolicyStatement{awsiam.NewPolicyStatement(byURL), awsiam.NewPolicyStatement(through)},
	})
	output(r.Construct, "RestAccessPolicy", access.ManagedPolicyArn(), "Attach this policy to those who may use RestUrl.")
	r.makeAPI()
}

// makeAPI makes the HTTP API, for networks or tools that a function URL does not suit.
func (r *Runtime) makeAPI() {
	p := r.Parameters
	scope := constructs.NewConstruct(r.Construct, new("Api"))
	only := func(resource awscdk.CfnResource) { resource.CfnOptions().SetCondition(p.when(hasRestAPI)) }
	api := awsapigatewayv2.NewCfnApi(scope, new("Api"), &awsapigatewayv2.CfnApiProps{
		Name: awscdk.Aws_STACK_NAME(), ProtocolType: new("HTTP"), Description: new("Connect's REST API"),
	})
	only(api)
	integration := awsapigatewayv2.NewCfnIntegration(scope, new("Integration"), &awsapigatewayv2.CfnIntegrationProps{
		ApiId: api.Ref(), IntegrationType: new("AWS_PROXY"), IntegrationUri: r.Control.FunctionArn(), PayloadFormatVersion: new("2.0"),
	})
	only(integration)
	// With a token it is the control function that lets requests in: an authorizer would be one more function to start.
	route := awsapigatewayv2.NewCfnRoute(scope, new("Route"), &awsapigatewayv2.CfnRouteProps{
		ApiId: api.Ref(), RouteKey: new("$default"), AuthorizationType: p.eitherText(hasRestToken, "NONE", "AWS_IAM"),
		Target: awscdk.Fn_Join(new("/"), &[]*string{new("integrations"), integration.Ref()}),
	})
	only(route)
	suppress(route, "AwsSolutions-APIG4", "IAM lets requests in, or the control function itself by a bearer token.")
	group := awslogs.NewLogGroup(scope, new("Logs"), &awslogs.LogGroupProps{RemovalPolicy: awscdk.RemovalPolicy_DESTROY})
	logs := group.Node().DefaultChild().(awslogs.CfnLogGroup)
	logs.AddPropertyOverride(new("RetentionInDays"), p.LogRetention.ValueAsNumber())
	only(logs)
	stage := awsapigatewayv2.NewCfnStage(scope, new("Stage"), &awsapigatewayv2.CfnStageProps{
		ApiId: api.Ref(), StageName: new("$default"), AutoDeploy: true,
		AccessLogSettings: &awsapigatewayv2.CfnStage_AccessLogSettingsProperty{
			DestinationArn: group.LogGroupArn(),
			Format:         new(`{"time":"$context.requestTime","ip":"$context.identity.sourceIp","method":"$context.httpMethod","path":"$context.path","status":"$context.status","caller":"$context.identity.caller","error":"$context.integrationErrorMessage"}`),
		},
	})
	only(stage)
	permission := awslambda.NewCfnPermission(scope, new("Permission"), &awslambda.CfnPermissionProps{
		Action: new("lambda:InvokeFunction"), FunctionName: r.Control.FunctionArn(), Principal: new("apigateway.amazonaws.com"),
		SourceArn: awscdk.Stack_Of(scope).FormatArn(&awscdk.ArnComponents{
			Service: new("execute-api"), Resource: api.Ref(), ResourceName: new("*"),
		}),
	})
	only(permission)
	output(scope, "RestApiUrl", p.eitherText(hasRestAPI, api.AttrApiEndpoint(), "none"), "Connect's REST API as an HTTP API.")
}
