package aws_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// call is what the emulator noted of a call: by which function, or in whose name, and what it is about.
type call struct {
	Function, Service, Method, Path, Operation string
	Query                                      map[string]string
	Parts                                      []string
	About                                      struct {
		Items                            [][3]string // action, table and partition key
		Keys                             []string    // of objects
		ARN, Name, Role, Group, Function string
	}
}

// unused are the actions that roles allow and that nothing here makes use of, and why they are allowed all the same.
var unused = map[string]string{
	"WriteLogs logs:CreateLogStream":           "Lambda does it, for the function",
	"WriteLogs logs:PutLogEvents":              "Lambda does it, for the function",
	"WriteObjects s3:ListMultipartUploadParts": "only an upload that another process began is looked into",
	"WriteObjects s3:GetObject":                "only an object that may be there already is looked at",
}

// onlyWhatRolesAllow compares what functions called, and of which things, with what their roles allow, both ways: the
// emulator itself lets everybody do everything.
func (a *account) onlyWhatRolesAllow(known roles) {
	a.t.Helper()
	text, err := os.ReadFile(filepath.Join(a.dir, "calls"))
	if err != nil {
		a.t.Fatal(err)
	}
	used := map[string]bool{} // statements with an action
	asked := map[string]int{}
	for line := range bytes.Lines(text) {
		var c call
		if err := json.Unmarshal(line, &c); err != nil {
			a.t.Fatal(err)
		}
		who := known.of(c.Function)
		requests := c.requests()
		if len(requests) == 0 || known[c.Function] == nil {
			a.t.Errorf("what %s did is not known to be of any action, or nobody knows its role: %s", who, line)
		}
		for _, r := range requests {
			asked[who]++
			found := false
			for _, s := range known[c.Function] {
				if s.allows(r) {
					found = true
					used[s.Sid+" "+r.action] = true
				}
			}
			if !found {
				a.t.Errorf("the role of %s does not allow %v", who, r)
			}
		}
	}
	for _, who := range slices.Sorted(maps.Keys(asked)) {
		a.t.Logf("%s asked for %d different things", who, asked[who])
	}
	a.everythingUsed(known, used)
}

// everythingUsed tells which actions of which statements no function made use of, and nothing says why they are there.
func (a *account) everythingUsed(known roles, used map[string]bool) {
	a.t.Helper()
	told := map[string]bool{}
	for _, name := range known.names() {
		for _, s := range known[name] {
			for _, action := range s.Action {
				key := s.Sid + " " + action
				if !told[key] && !used[key] && unused[key] == "" {
					a.t.Errorf("nothing that %s did takes %s of statement %q on %s: is it needed?", known.of(name), action, s.Sid, s.Resource)
				}
				told[key] = true
			}
		}
	}
	for key, why := range unused {
		if used[key] || !told[key] {
			a.t.Errorf("%s is used, or not allowed, but it stands here that %s", key, why)
		}
	}
}

const everywhere = region + ":123456789012:"

// requests are what IAM would be asked about a call.
func (c call) requests() []request {
	parts := strings.FieldsFunc(c.Path, func(r rune) bool { return r == '/' })
	switch c.Service {
	case "dynamodb":
		var all []request
		for _, item := range c.About.Items {
			all = append(all, request{
				action: "dynamodb:" + item[0], resource: "arn:aws:dynamodb:" + everywhere + "table/" + item[1],
				about: map[string]string{"dynamodb:LeadingKeys": item[2]},
			})
		}
		return all
	case "secretsmanager":
		return []request{{action: "secretsmanager:" + c.Operation, resource: c.About.ARN}}
	case "ssm":
		return []request{{action: "ssm:" + c.Operation, resource: "arn:aws:ssm:" + everywhere + "parameter" + c.About.Name}}
	case "scheduler":
		return c.scheduler(parts)
	case "lambda":
		return c.lambda(parts)
	case "s3":
		return c.s3(parts)
	}
	return nil
}

// scheduler are requests about /schedules/NAME.
func (c call) scheduler(parts []string) []request {
	if len(parts) == 1 {
		return []request{{action: "scheduler:ListSchedules", resource: "*"}}
	}
	group := c.About.Group
	if group == "" {
		group = c.Query["groupName"]
	}
	verb := map[string]string{"GET": "Get", "POST": "Create", "PUT": "Update", "DELETE": "Delete"}[c.Method]
	all := []request{{action: "scheduler:" + verb + "Schedule", resource: "arn:aws:scheduler:" + everywhere + "schedule/" + group + "/" + parts[1]}}
	if c.About.Role != "" {
		all = append(all, request{action: "iam:PassRole", resource: c.About.Role, about: map[string]string{"iam:PassedToService": "scheduler.amazonaws.com"}})
	}
	return all
}

// lambda are requests about /2015-03-31/functions/NAME/… and /2015-03-31/event-source-mappings/UUID.
func (c call) lambda(parts []string) []request {
	if len(parts) < 2 {
		return nil
	}
	if parts[1] == "event-source-mappings" {
		verb := map[string]string{"GET": "Get", "POST": "Create", "PUT": "Update", "DELETE": "Delete"}[c.Method]
		about := map[string]string{"lambda:FunctionArn": c.About.Function}
		switch {
		case c.Method == http.MethodGet && len(parts) == 2:
			return []request{{action: "lambda:ListEventSourceMappings", resource: "*"}}
		case c.Method == http.MethodPost:
			made := "arn:aws:lambda:" + everywhere + "event-source-mapping:new"
			return []request{{action: "lambda:" + verb + "EventSourceMapping", resource: "*", about: about}, {action: "lambda:TagResource", resource: made}}
		}
		return []request{{action: "lambda:" + verb + "EventSourceMapping", resource: "arn:aws:lambda:" + everywhere + "event-source-mapping:" + parts[2], about: about}}
	}
	if len(parts) < 4 {
		return nil
	}
	function := parts[2]
	if !strings.HasPrefix(function, "arn:") {
		function = "arn:aws:lambda:" + everywhere + "function:" + function
	}
	if qualifier := c.Query["Qualifier"]; qualifier != "" {
		function += ":" + qualifier
	}
	action := map[string]string{
		"POST invocations": "InvokeFunction", "GET configuration": "GetFunctionConfiguration",
		"POST aliases": "CreateAlias", "DELETE aliases": "DeleteAlias", "GET aliases": "ListAliases",
	}[c.Method+" "+parts[3]]
	if action == "" {
		return nil
	}
	return []request{{action: "lambda:" + action, resource: function}}
}

// s3 are requests about /BUCKET/KEY.
func (c call) s3(parts []string) []request {
	upload := slices.Contains(c.Parts, "uploadId")
	bucket := "arn:aws:s3:::" + parts[0]
	object := func(action string) []request {
		return []request{{action: "s3:" + action, resource: bucket + "/" + strings.Join(parts[1:], "/")}}
	}
	switch {
	case len(parts) == 1 && c.Method == http.MethodGet:
		return []request{{action: "s3:ListBucket", resource: bucket}}
	case len(parts) == 1:
		var all []request
		for _, key := range c.About.Keys {
			all = append(all, request{action: "s3:DeleteObject", resource: bucket + "/" + key})
		}
		return all
	case c.Method == http.MethodDelete && upload:
		return object("AbortMultipartUpload")
	case c.Method == http.MethodDelete:
		return object("DeleteObject")
	case c.Method == http.MethodGet && upload:
		return object("ListMultipartUploadParts")
	case c.Method == http.MethodGet, c.Method == http.MethodHead:
		return object("GetObject")
	case c.Method == http.MethodPut, c.Method == http.MethodPost:
		return object("PutObject")
	}
	return nil
}
