package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/sluice-connect/sluice/runtime"
)

// openRest answers GET / as Connect does.
func (d *desk) openRest() error {
	listener, err := net.Listen("tcp", d.flags.rest)
	if err != nil {
		return fmt.Errorf("listening for REST at %s: %w (is another Connect, or another sluice, running? --rest chooses another address)", d.flags.rest, err)
	}
	d.restAddr = listener.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"version": runtime.Version, "commit": "unknown", "kafka_cluster_id": d.clusterID()})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusNotFound, map[string]any{"error_code": http.StatusNotFound, "message": "HTTP 404 Not Found"})
	})
	d.rest = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go d.rest.Serve(listener) //nolint:errcheck // it ends with Close
	d.stop = append(d.stop, d.rest.Close)
	return nil
}

func answer(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text) // a client that went away is no fault of ours
}
