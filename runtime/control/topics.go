package control

import (
	"fmt"
	"net/http"
)

// topics answers GET /connectors/…/topics: of an unknown connector there are none.
func (s *Server) topics(r *request) (answer, error) {
	if s.Settings.HideTopics {
		return answer{}, fail(http.StatusForbidden, "Topic tracking is disabled.")
	}
	topics, err := s.Store.Topics(r.Context(), r.name())
	if err != nil {
		return answer{}, fmt.Errorf("reading the topics of connector %s: %w", r.name(), err)
	}
	return ok(map[string]any{r.name(): map[string]any{"topics": append([]string{}, topics...)}}), nil
}

func (s *Server) resetTopics(r *request) (answer, error) {
	if s.Settings.HideTopics {
		return answer{}, fail(http.StatusForbidden, "Topic tracking is disabled.")
	}
	if s.Settings.KeepTopics {
		return answer{}, fail(http.StatusForbidden, "Topic tracking reset is disabled.")
	}
	if err := s.Store.ResetTopics(r.Context(), r.name()); err != nil {
		return answer{}, fmt.Errorf("forgetting the topics of connector %s: %w", r.name(), err)
	}
	return answer{status: http.StatusAccepted}, nil
}
