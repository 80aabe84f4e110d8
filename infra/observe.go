package infra

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/sluice-connect/sluice/runtime/metric"
)

// watch makes alarms and the dashboard, out of what functions emit and of what Lambda counts by itself.
type watch struct {
	runtime   *Runtime
	dashboard awscloudwatch.Dashboard
}

// Periods of alarms.
const (
	alarmPeriod = 300
	// silence is for how many periods a source may be invoked without success.
	silence = 3
	// lagging is for how many periods a sink may fall further behind.
	lagging = 6
)

func period() awscdk.Duration { return awscdk.Duration_Seconds(jsii.Number(alarmPeriod)) }

func newWatch(r *Runtime) *watch {
	return &watch{runtime: r, dashboard: awscloudwatch.NewDashboard(r.Construct, new("Dashboard"), nil)}
}

// metrics are numbers by the letters that an expression calls them.
type metrics = map[string]awscloudwatch.IMetric

// own is a number that the functions emit.
func own(c *connector, name string) awscloudwatch.IMetric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: new(metric.Namespace), MetricName: &name, Statistic: new("Sum"), Period: period(),
		DimensionsMap: &map[string]*string{"connector": &c.file.Name},
	})
}

// counted is a number of Lambda's about a function.
func counted(c *connector, name, statistic string) awscloudwatch.IMetric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: new("AWS/Lambda"), MetricName: &name, Statistic: &statistic, Period: period(),
		DimensionsMap: &map[string]*string{"FunctionName": c.function.FunctionName()},
	})
}

// alarm is raised when an expression is above 0 for so many periods. Missing numbers mean that nothing happened.
func (w *watch) alarm(c *connector, id, doc, expression string, periods float64, using metrics) awscloudwatch.CfnAlarm {
	e := awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: &expression, UsingMetrics: &using, Period: period(), Label: &id,
	})
	alarm := e.CreateAlarm(c.scope, &id, &awscloudwatch.CreateAlarmOptions{
		AlarmDescription: new(fmt.Sprintf("Connector %s: %s", c.file.Name, doc)), Threshold: jsii.Number(0), EvaluationPeriods: &periods,
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD, TreatMissingData: awscloudwatch.TreatMissingData_NOT_BREACHING,
	})
	resource := alarm.Node().DefaultChild().(awscloudwatch.CfnAlarm)
	p := w.runtime.Parameters
	resource.AddPropertyOverride(new("AlarmActions"), p.either(hasAlarmTopic, []*string{p.AlarmTopicArn.ValueAsString()}, nil))
	return resource
}

// common are the alarms of sources and sinks.
func (w *watch) common(c *connector, timeout awscdk.CfnParameter) {
	w.alarm(c, "Failed", "a task failed, or its function did. GET /connectors/…/status has the trace.", "FILL(failures, 0) + FILL(errors, 0)", 1, metrics{
		"failures": own(c, "task-failures"), "errors": counted(c, "Errors", "Sum"),
	})
	w.alarm(c, "Throttled", "Lambda refused invocations: the account's concurrency is used up.", "FILL(throttles, 0)", 1, metrics{
		"throttles": counted(c, "Throttles", "Sum"),
	})
	w.alarm(c, "Deadline", "an invocation used nearly all the time it may take; give it more, or smaller batches.",
		"FILL(duration, 0) - 980 * "+*timeout.ValueAsString(), 1, metrics{"duration": counted(c, "Duration", "Maximum")})
}

func (w *watch) source(c *connector) {
	w.common(c, w.runtime.Parameters.SourceTimeout)
	w.alarm(c, "Silent", "it is invoked, and nothing it does succeeds.", "IF(FILL(invocations, 0) > 0 AND FILL(successes, 0) < 1, 1, 0)", silence, metrics{
		"invocations": counted(c, "Invocations", "Sum"), "successes": own(c, "task-successes"),
	})
	w.row(c, w.graph("Records", own(c, "source-record-write-total"), own(c, "source-record-poll-total"), own(c, "total-records-skipped")))
}

func (w *watch) sink(c *connector, mappings []awslambda.CfnEventSourceMapping) {
	w.common(c, w.runtime.Parameters.SinkTimeout)
	lag := counted(c, "OffsetLag", "Maximum")
	w.alarm(c, "Lagging", "it falls further and further behind its topics.", "IF(DIFF(lag) > 0, 1, 0)", lagging, metrics{"lag": lag})
	w.alarm(c, "DeadLetters", "records went to the dead-letter topic.", "FILL(letters, 0)", 1, metrics{
		"letters": own(c, "dead-letter-write-total"),
	})
	for i, m := range mappings {
		given := awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
			Namespace: new("AWS/Lambda"), MetricName: new("OnFailureDestinationDeliveredEventCount"), Statistic: new("Sum"), Period: period(),
			DimensionsMap: &map[string]*string{"EventSourceMappingUUID": m.Ref()},
		})
		alarm := w.alarm(c, fmt.Sprintf("GaveUp%d", i+1), "records went to the bucket of failures; sluice redrive puts them back.", "FILL(given, 0)", 1, metrics{"given": given})
		alarm.CfnOptions().SetCondition(w.runtime.Parameters.when(isProvisioned))
	}
	w.row(c, w.graph("Records", own(c, "sink-record-send-total"), own(c, "sink-record-read-total"), own(c, "dead-letter-write-total")), w.graph("Behind", lag))
}

// row adds a connector's numbers to the dashboard.
func (w *watch) row(c *connector, graphs ...awscloudwatch.IWidget) {
	title := awscloudwatch.NewTextWidget(&awscloudwatch.TextWidgetProps{Markdown: new("## " + c.file.Name), Width: jsii.Number(24), Height: jsii.Number(1)})
	w.dashboard.AddWidgets(title)
	graphs = append(graphs,
		w.graph("Failures", own(c, "task-failures"), counted(c, "Errors", "Sum"), counted(c, "Throttles", "Sum")),
		w.graph("Invocations", counted(c, "Invocations", "Sum")), w.graph("Duration", counted(c, "Duration", "Average"), counted(c, "Duration", "Maximum")))
	w.dashboard.AddWidgets(graphs...)
}

func (w *watch) graph(title string, left ...awscloudwatch.IMetric) awscloudwatch.IWidget {
	return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{Title: &title, Left: &left, Width: jsii.Number(4), Height: jsii.Number(5)})
}
