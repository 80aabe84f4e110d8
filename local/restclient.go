package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/local/migrate"
	"github.com/sluice-connect/sluice/runtime/config"
)

// restClient asks a REST API.
type restClient struct{ base, user, token string }

// restTime is how long it may take to answer.
const restTime = 100 * time.Second

// judge has a configuration judged. kind is the connector's, problems what is wrong with its settings.
func (c restClient) judge(ctx context.Context, class string, settings map[string]string) (kind string, problems []string, err error) {
	var infos config.Infos
	if err := c.do(ctx, http.MethodPut, "/connector-plugins/"+url.PathEscape(class)+"/config/validate", settings, &infos); err != nil {
		return "", nil, err
	}
	kind = "source"
	for _, info := range infos.Configs {
		if info.Definition != nil && info.Definition.Name == "topics.regex" {
			kind = "sink"
		}
		if info.Value == nil {
			continue
		}
		for _, problem := range info.Value.Errors {
			if !slices.Contains(problems, problem) {
				problems = append(problems, problem)
			}
		}
	}
	return kind, problems, nil
}

// create creates a connector that is stopped.
func (c restClient) create(ctx context.Context, connector migrate.Connector, offsets []migrate.Offset) error {
	body := map[string]any{"name": connector.Name, "config": connector.Config, "initial_state": "STOPPED"}
	if len(offsets) > 0 {
		body["offsets"] = offsets
	}
	return c.do(ctx, http.MethodPost, "/connectors", body, nil)
}

// do sends a request and reads the answer into reply, unless that is nil.
func (c restClient) do(ctx context.Context, method, path string, body, reply any) error {
	ctx, cancel := context.WithTimeout(ctx, restTime)
	defer cancel()
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("asking the REST API: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("asking the REST API: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	if name, password, found := strings.Cut(c.user, ":"); found {
		request.SetBasicAuth(name, password)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking the REST API, which 'sluice up' serves: %w", err)
	}
	defer response.Body.Close()
	if text, err = io.ReadAll(response.Body); err != nil {
		return fmt.Errorf("reading what the REST API answers: %w", err)
	}
	if response.StatusCode/100 != 2 {
		var failure struct{ Message string }
		if json.Unmarshal(text, &failure) != nil || failure.Message == "" {
			failure.Message = response.Status + " " + string(text)
		}
		return errors.New(oneLine(failure.Message))
	}
	if reply == nil {
		return nil
	}
	if err := json.Unmarshal(text, reply); err != nil {
		return fmt.Errorf("reading what the REST API answers: %w", err)
	}
	return nil
}
