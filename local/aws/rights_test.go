package aws_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// onlyWhatRolesAllow compares what functions called, as the emulator noted it, with what their roles in the template allow:
// the emulator itself lets everybody do everything.
func (a *account) onlyWhatRolesAllow(assembly string) {
	a.t.Helper()
	allowed := a.allowed(assembly)
	text, err := os.ReadFile(filepath.Join(a.dir, "calls"))
	if err != nil {
		a.t.Fatal(err)
	}
	seen := map[string]map[string]bool{}
	for line := range strings.Lines(string(text)) {
		call := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		function := strings.TrimPrefix(call[0], "Sluice-")
		id := function[:max(0, strings.LastIndexByte(function, '-'))]
		if allowed[id] == nil {
			a.t.Errorf("nobody knows function %s", call[0])
			continue
		}
		actions := actionsOf(call[1], call[2], call[3], call[4], call[5])
		if len(actions) == 0 {
			a.t.Errorf("function %s: which action is %q?", id, call[1:])
		}
		for _, action := range actions {
			if seen[id] == nil {
				seen[id] = map[string]bool{}
			}
			if seen[id][action] = true; !allowed[id][action] {
				a.t.Errorf("the role of function %s does not allow it %s: %q", id, action, call[1:])
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(seen)) {
		a.t.Logf("function %s called %d actions, all of which its role allows: %s", id, len(seen[id]), strings.Join(slices.Sorted(maps.Keys(seen[id])), " "))
	}
}

// allowed are the actions that the role of each function allows, by their logical ids.
func (a *account) allowed(assembly string) map[string]map[string]bool {
	a.t.Helper()
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties map[string]any
		}
	}
	text, err := os.ReadFile(filepath.Join(assembly, "Sluice.template.json"))
	if err == nil {
		err = json.Unmarshal(text, &template)
	}
	if err != nil {
		a.t.Fatal(err)
	}
	of := map[string]map[string]bool{} // by role
	for _, r := range template.Resources {
		if r.Type != "AWS::IAM::Policy" {
			continue
		}
		roles, _ := r.Properties["Roles"].([]any)
		for _, role := range roles {
			name, _ := role.(map[string]any)["Ref"].(string)
			if of[name] == nil {
				of[name] = map[string]bool{}
			}
			collect(r.Properties["PolicyDocument"], of[name])
		}
	}
	allowed := map[string]map[string]bool{}
	for id, r := range template.Resources {
		if r.Type == "AWS::Lambda::Function" {
			role := r.Properties["Role"].(map[string]any)["Fn::GetAtt"].([]any)[0].(string)
			allowed[id] = of[role]
		}
	}
	return allowed
}

// collect adds the actions of all statements, also of those under a condition.
func collect(v any, into map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, inner := range v {
			collect(inner, into)
		}
	case map[string]any:
		switch actions := v["Action"].(type) {
		case string:
			into[actions] = true
		case []any:
			for _, action := range actions {
				into[action.(string)] = true
			}
		}
		for _, inner := range v {
			collect(inner, into)
		}
	}
}

// actionsOf are the actions of IAM that a request is.
func actionsOf(service, method, path, query, target string) []string {
	_, operation, _ := strings.Cut(target, ".")
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	switch service {
	case "dynamodb":
		if operation == "TransactWriteItems" {
			return []string{"dynamodb:ConditionCheckItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}
		}
		return []string{"dynamodb:" + operation}
	case "secretsmanager":
		return []string{"secretsmanager:" + operation}
	case "scheduler":
		if len(parts) == 1 {
			return []string{"scheduler:ListSchedules"}
		}
		action := map[string]string{"GET": "scheduler:GetSchedule", "POST": "scheduler:CreateSchedule", "PUT": "scheduler:UpdateSchedule", "DELETE": "scheduler:DeleteSchedule"}[method]
		if method == "POST" || method == "PUT" {
			return []string{action, "iam:PassRole"}
		}
		return []string{action}
	case "lambda":
		return lambdaActions(method, parts)
	case "s3":
		return s3Actions(method, parts, query)
	}
	return nil
}

// lambdaActions are those of /2015-03-31/functions/NAME/… and /2015-03-31/event-source-mappings/UUID.
func lambdaActions(method string, parts []string) []string {
	if len(parts) < 2 {
		return nil
	}
	if parts[1] == "event-source-mappings" {
		action := map[string]string{"GET": "Get", "POST": "Create", "PUT": "Update", "DELETE": "Delete"}[method] + "EventSourceMapping"
		switch {
		case method == "GET" && len(parts) == 2:
			return []string{"lambda:ListEventSourceMappings"}
		case method == "POST":
			return []string{"lambda:" + action, "lambda:TagResource"}
		}
		return []string{"lambda:" + action}
	}
	if len(parts) < 4 {
		return nil
	}
	switch method + " " + parts[3] {
	case "POST invocations":
		return []string{"lambda:InvokeFunction"}
	case "GET configuration":
		return []string{"lambda:GetFunctionConfiguration"}
	case "POST aliases":
		return []string{"lambda:CreateAlias"}
	case "DELETE aliases":
		return []string{"lambda:DeleteAlias"}
	case "GET aliases":
		return []string{"lambda:ListAliases"}
	}
	return nil
}

// s3Actions are those of /BUCKET/KEY.
func s3Actions(method string, parts []string, query string) []string {
	upload := strings.Contains(query, "uploadId")
	switch {
	case len(parts) == 1 && method == "GET":
		return []string{"s3:ListBucket"}
	case len(parts) == 1 && method == "POST", method == "DELETE" && !upload:
		return []string{"s3:DeleteObject"}
	case method == "DELETE":
		return []string{"s3:AbortMultipartUpload"}
	case method == "GET" && upload:
		return []string{"s3:ListMultipartUploadParts"}
	case method == "GET", method == "HEAD":
		return []string{"s3:GetObject"}
	case method == "PUT", method == "POST":
		return []string{"s3:PutObject"}
	}
	return nil
}
