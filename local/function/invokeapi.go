package function

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// invokeAPI serves Lambda's Invoke: POST /2015-03-31/functions/{name}/invocations. Signatures are not looked at.
func invokeAPI(s *Service) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2015-03-31/functions/{name}/invocations", s.serveInvoke)
	return mux
}

func (s *Service) serveInvoke(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if qualifier := r.URL.Query().Get("Qualifier"); qualifier != "" && !strings.HasSuffix(name, ":"+qualifier) {
		name += ":" + qualifier
	}
	id := newID()
	w.Header().Set("X-Amzn-Requestid", id)
	w.Header().Set("Content-Type", "application/json")
	kind := r.Header.Get("X-Amz-Invocation-Type")
	payload, err := readPayload(r)
	if err != nil {
		refuseInvoke(w, err)
		return
	}
	switch kind {
	case "DryRun":
		if _, _, err := s.find(name); err != nil {
			refuseInvoke(w, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	case "Event":
		if _, err := s.invokeAsync(name, payload, id); err != nil {
			refuseInvoke(w, err)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	case "", "RequestResponse":
		s.answerInvoke(w, r, name, payload, id)
	default:
		refuseInvoke(w, &requestError{"InvalidParameterValueException", "unknown invocation type " + kind})
	}
}

func (s *Service) answerInvoke(w http.ResponseWriter, r *http.Request, name string, payload []byte, id string) {
	result, err := s.invoke(r.Context(), name, payload, id)
	var failed *Error
	if err != nil && !errors.As(err, &failed) {
		refuseInvoke(w, err)
		return
	}
	w.Header().Set("X-Amz-Executed-Version", "$LATEST")
	if failed != nil {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		result.Payload = failed.Payload
	}
	w.Write(result.Payload)
}

// requestError is a request that Lambda answers with 400.
type requestError struct{ kind, message string }

func (e *requestError) Error() string { return e.message }

func readPayload(r *http.Request) ([]byte, error) {
	payload, err := io.ReadAll(io.LimitReader(r.Body, MaxPayload+1))
	if err != nil {
		return nil, &requestError{"InvalidRequestContentException", "reading the payload: " + err.Error()}
	}
	if len(payload) > MaxPayload {
		return nil, fmt.Errorf("%w: Request must be smaller than %d bytes for the InvokeFunction operation", ErrTooLarge, MaxPayload)
	}
	if len(payload) == 0 {
		return []byte("{}"), nil
	}
	if !json.Valid(payload) {
		return nil, &requestError{"InvalidRequestContentException", "Could not parse request body into json"}
	}
	return payload, nil
}

// refuseInvoke answers as Lambda does when the function was not run.
func refuseInvoke(w http.ResponseWriter, err error) {
	status, kind, body := http.StatusInternalServerError, "ServiceException", map[string]string{"Type": "User", "message": err.Error()}
	var request *requestError
	switch {
	case errors.As(err, &request):
		status, kind = http.StatusBadRequest, request.kind
	case errors.Is(err, ErrNotFound):
		status, kind = http.StatusNotFound, "ResourceNotFoundException"
		body = map[string]string{"Type": "User", "Message": "Function not found: " + strings.TrimPrefix(err.Error(), ErrNotFound.Error()+": ")}
	case errors.Is(err, ErrTooLarge):
		status, kind = http.StatusRequestEntityTooLarge, "RequestTooLargeException"
	case errors.Is(err, ErrThrottled):
		status, kind = http.StatusTooManyRequests, "TooManyRequestsException"
		body["message"], body["Reason"] = "Rate Exceeded.", "ReservedFunctionConcurrentInvocationLimitExceeded"
	case errors.Is(err, ErrClosed):
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("X-Amzn-Errortype", kind)
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) //nolint:errcheck // a caller that went away is no fault of ours
}
