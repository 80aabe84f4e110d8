package aws_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// texts are one text, or several: policies have both.
type texts []string

func (t *texts) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(t))
}

// statement is one of a role's policies, as it was deployed.
type statement struct {
	Sid, Effect      string
	Action, Resource texts
	Condition        map[string]map[string]texts
}

// request is what IAM is asked: may it do this to that. about are the values of condition keys.
type request struct {
	action, resource string
	about            map[string]string
}

func (r request) String() string { return fmt.Sprintf("%s on %s %v", r.action, r.resource, r.about) }

// allows tells whether a statement lets somebody do that.
func (s statement) allows(r request) bool {
	return s.Effect == "Allow" && matchesAny(s.Action, r.action) && matchesAny(s.Resource, r.resource) && s.holds(r)
}

// holds tells whether all conditions of a statement do. Of a request about one thing ForAllValues asks for that one.
func (s statement) holds(r request) bool {
	for operator, keys := range s.Condition {
		for key, wanted := range keys {
			value, there := r.about[key]
			switch strings.TrimPrefix(operator, "ForAllValues:") {
			case "StringEquals", "Bool":
				if !there || !slices.Contains(wanted, value) {
					return false
				}
			case "StringLike", "ArnLike":
				if !there || !matchesAny(wanted, value) {
					return false
				}
			default:
				return false
			}
		}
	}
	return true
}

func matchesAny(patterns []string, text string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		quoted := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
		return regexp.MustCompile("^(?s:" + quoted + ")$").MatchString(text)
	})
}

// roles are the statements of roles by who has them: functions by their names, schedules by the ARN of their role.
type roles map[string][]statement

// noteRoles adds the roles that there are now, since files come and go: as CloudFormation made them of the template.
func (a *account) noteRoles(known roles) {
	a.t.Helper()
	functions, err := a.lambda.ListFunctions(a.t.Context(), &lambda.ListFunctionsInput{})
	if err != nil {
		a.t.Fatal(err)
	}
	of := map[string]string{} // role by who has it
	for _, f := range functions.Functions {
		of[*f.FunctionName] = *f.Role
	}
	for _, role := range a.schedulerRoles() {
		of[role] = role
	}
	for who, role := range of {
		for _, s := range a.statements(role[strings.LastIndexByte(role, '/')+1:]) {
			if !slices.ContainsFunc(known[who], func(k statement) bool { return fmt.Sprint(k) == fmt.Sprint(s) }) {
				known[who] = append(known[who], s)
			}
		}
	}
}

// schedulerRoles are the roles in whose names schedules invoke.
func (a *account) schedulerRoles() []string {
	a.t.Helper()
	var found []string
	for _, role := range a.iam("ListRoles", "").Roles {
		if strings.Contains(role.Name, "SchedulerRole") {
			found = append(found, role.ARN)
		}
	}
	return found
}

// statements are those of all policies of a role.
func (a *account) statements(role string) []statement {
	a.t.Helper()
	var found []statement
	for _, name := range a.iam("ListRolePolicies", role).Policies {
		text, err := url.QueryUnescape(a.iam("GetRolePolicy", role, "PolicyName", name).Document)
		if err != nil {
			a.t.Fatal(err)
		}
		var document struct{ Statement []statement }
		if err := json.Unmarshal([]byte(text), &document); err != nil {
			a.t.Fatalf("policy %s of role %s: %v\n%s", name, role, err, text)
		}
		found = append(found, document.Statement...)
	}
	return found
}

// iamAnswer is what is needed of IAM's answers.
type iamAnswer struct {
	Roles []struct {
		Name string `xml:"RoleName"`
		ARN  string `xml:"Arn"`
	} `xml:"ListRolesResult>Roles>member"`
	Policies []string `xml:"ListRolePoliciesResult>PolicyNames>member"`
	Document string   `xml:"GetRolePolicyResult>PolicyDocument"`
}

func (a *account) iam(action, role string, more ...string) iamAnswer {
	a.t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	if role != "" {
		form.Set("RoleName", role)
	}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	var answer iamAnswer
	text := a.ask("iam", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, form.Encode())
	if err := xml.Unmarshal([]byte(text), &answer); err != nil {
		a.t.Fatalf("IAM answers %s: %v", text, err)
	}
	return answer
}

// of is the function of the template that has been deployed under a name.
func (k roles) of(who string) string {
	if strings.Contains(who, ":role/") {
		return "schedules"
	}
	return regexp.MustCompile(`^[^-]+-(.*)-[^-]+$`).ReplaceAllString(who, "$1")
}

func (k roles) names() []string { return slices.Sorted(maps.Keys(k)) }
