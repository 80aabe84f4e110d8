package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Event is what CloudFormation sends.
type Event struct {
	RequestType           string
	ResponseURL           string
	StackID               string `json:"StackId"`
	RequestID             string `json:"RequestId"`
	ResourceType          string
	LogicalResourceID     string `json:"LogicalResourceId"`
	PhysicalResourceID    string `json:"PhysicalResourceId"`
	ResourceProperties    json.RawMessage
	OldResourceProperties json.RawMessage
}

// remove is the type of requests that delete; the others make or change.
const remove = "Delete"

// Is tells whether an event is one of CloudFormation.
func Is(payload []byte) bool {
	var e Event
	return json.Unmarshal(payload, &e) == nil && e.ResponseURL != "" && e.RequestType != ""
}

// answer is what CloudFormation wants to hear.
type answer struct {
	Status             string
	Reason             string `json:",omitempty"`
	PhysicalResourceID string `json:"PhysicalResourceId"`
	StackID            string `json:"StackId"`
	RequestID          string `json:"RequestId"`
	LogicalResourceID  string `json:"LogicalResourceId"`
}

// Texts are cut: CloudFormation takes 4,096 bytes of answer, which may be longer in JSON than in UTF-8.
const mostReason = 2500

// Invoke handles an event. Its error is one of telling CloudFormation how it went: Lambda then repeats the event, since it
// was sent asynchronously, and every handler may be called again.
func (h Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var e Event
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, fmt.Errorf("reading the event: %w", err)
	}
	id, failure := h.handle(ctx, e)
	if id == "" {
		id = e.LogicalResourceID
	}
	a := answer{Status: "SUCCESS", PhysicalResourceID: id, StackID: e.StackID, RequestID: e.RequestID, LogicalResourceID: e.LogicalResourceID}
	if failure != nil {
		a.Status, a.Reason = "FAILED", failure.Error()
		if len(a.Reason) > mostReason {
			a.Reason = a.Reason[:mostReason] + "…"
		}
		h.Log.Error("a custom resource failed", "resource", e.LogicalResourceID, "request", e.RequestType, "error", failure)
	}
	text, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("writing the answer: %w", err)
	}
	say := h.Tell
	if say == nil {
		say = tell
	}
	return []byte("{}"), say(ctx, e.ResponseURL, text)
}

// tellTime is how long CloudFormation may take to hear an answer.
const tellTime = 10 * time.Second

// tell puts the answer where CloudFormation looks for it.
func tell(ctx context.Context, url string, text []byte) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("answering CloudFormation: %w", err)
	}
	request.Header["Content-Type"] = []string{""} // the URL is signed for none
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("answering CloudFormation: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		said, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return fmt.Errorf("answering CloudFormation: %s: %s", response.Status, said)
	}
	return nil
}

// handle handles an event by the type of its resource.
func (h Handler) handle(ctx context.Context, e Event) (id string, err error) {
	if h.Broken != nil {
		if e.RequestType == remove && e.PhysicalResourceID == e.LogicalResourceID {
			return e.PhysicalResourceID, nil // its creation failed
		}
		return e.PhysicalResourceID, h.Broken
	}
	switch e.ResourceType {
	case "Custom::Connector":
		return h.connector(ctx, e)
	case "Custom::Triggers":
		return h.triggers(ctx, e)
	case "Custom::Cleanup":
		return h.cleanup(ctx, e)
	}
	return "", errors.New("there is no resource type " + e.ResourceType)
}
