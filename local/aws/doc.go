// Package aws deploys the stack to an emulator of AWS, for tests, and reckons what it costs: see e2e_test.go and cost.go.
//
//	moto             an AWS that runs Lambda functions as processes, with CloudFormation and its custom resources
//	rie              Lambda's own runtime interface emulator: a function behind one HTTP address
//	sam-image        the image that `sam local invoke` runs functions in, made without a registry
//
// moto is patched by the Python files here, so that functions really run. It has no Kafka trigger: the test reads the
// mappings that were deployed and drives them with the desk's trigger.
//
// `make measure` measures functions under the share of a processor that their memory buys on Lambda, into
// testdata/measured.json, and writes the tables of infra/COST.md.
package aws
