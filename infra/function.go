package infra

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/sluice-connect/sluice/runtime"
)

// Memory and time of functions, where no parameter says otherwise.
const (
	defaultSourceMemory  = 512
	defaultSourceTimeout = 300
	defaultSinkMemory    = 512
	defaultSinkTimeout   = 120
	controlMemory        = 512
	controlTimeout       = 120
)

// functionProps are what differs between functions.
type functionProps struct {
	// binary names the function, such as file-source.
	binary string
	what   string
	memory *float64
	time   awscdk.Duration
	// connector is the connector of a sink's function.
	connector string
	env       map[string]*string
}

// deploy makes a function with its log group. Its logical id is the id given, which `sam local invoke` takes.
func (r *Runtime) deploy(scope constructs.Construct, id string, rights *rights, props functionProps) awslambda.Function {
	group := awslogs.NewLogGroup(scope, new("Logs"), &awslogs.LogGroupProps{RemovalPolicy: awscdk.RemovalPolicy_DESTROY})
	group.Node().DefaultChild().(awslogs.CfnLogGroup).AddPropertyOverride(new("RetentionInDays"), r.Parameters.LogRetention.ValueAsNumber())
	rights.logs(group.LogGroupArn())
	rights.network()
	rights.finish()

	env := map[string]*string{
		runtime.EnvTable:  r.Table.TableName(),
		runtime.EnvClient: r.Parameters.client(),
		runtime.EnvWorker: r.Parameters.WorkerConfig.ValueAsString(),
		// Declared so that what runs functions on a desk can set it; empty, it means nothing to the SDKs.
		"AWS_ENDPOINT_URL_DYNAMODB": new(""),
	}
	if props.connector != "" {
		env[runtime.EnvConnector] = &props.connector
	}
	maps.Copy(env, props.env)
	fn := awslambda.NewFunction(scope, &id, &awslambda.FunctionProps{
		Description: &props.what, Code: r.code(props.binary), Handler: new("bootstrap"), Runtime: awslambda.Runtime_PROVIDED_AL2023(),
		Architecture: r.architecture(), MemorySize: props.memory, Timeout: props.time, Environment: &env, Role: rights.role, LogGroup: group,
	})
	resource := fn.Node().DefaultChild().(awslambda.CfnFunction)
	resource.OverrideLogicalId(&id)
	p := r.Parameters
	resource.AddPropertyOverride(new("VpcConfig"), p.either(inVPC, map[string]any{
		"SubnetIds": list(p.SubnetIDs), "SecurityGroupIds": list(p.SecurityGroupIDs),
	}, nil))
	fn.Node().AddDependency(rights.policy)
	return fn
}

// code is the folder of a function's binary, as make builds it.
func (r *Runtime) code(binary string) awslambda.Code {
	dir := filepath.Join(r.props.Functions, r.props.Architecture, binary)
	if _, err := os.Stat(filepath.Join(dir, "bootstrap")); err != nil {
		panic(fmt.Sprintf("infra: function %s is not built for %s: make build/lambda ARCH=%s (%v)", binary, r.props.Architecture, r.props.Architecture, err))
	}
	return awslambda.Code_FromAsset(&dir, nil)
}

func (r *Runtime) architecture() awslambda.Architecture {
	if r.props.Architecture == X86 {
		return awslambda.Architecture_X86_64()
	}
	return awslambda.Architecture_ARM_64()
}

// Architectures of functions.
const (
	ARM = "arm64"
	X86 = "x86_64"
)
