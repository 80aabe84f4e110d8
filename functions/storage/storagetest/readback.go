package storagetest

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

//go:embed readback.py
var readback string

// EnvPython names the environment variable that says which Python has pyarrow and fastavro.
const EnvPython = "SLUICE_TEST_PYTHON"

// ReadBack has pyarrow and fastavro read Parquet and Avro files. ok is false where there is no Python that has them.
func ReadBack(ctx context.Context, files ...[]byte) (contents []map[string]any, ok bool, err error) {
	python := os.Getenv(EnvPython)
	if python == "" {
		return nil, false, nil
	}
	var in, complaints bytes.Buffer
	for _, f := range files {
		in.WriteString(base64.StdEncoding.EncodeToString(f))
		in.WriteByte('\n')
	}
	run := exec.CommandContext(ctx, python, "-c", readback)
	run.Stdin, run.Stderr = &in, &complaints
	out, err := run.Output()
	if err != nil {
		return nil, true, fmt.Errorf("reading files with pyarrow and fastavro: %w: %s", err, complaints.String())
	}
	for line := range bytes.Lines(out) {
		var content map[string]any
		if err := json.Unmarshal(line, &content); err != nil {
			return nil, true, err
		}
		contents = append(contents, content)
	}
	return contents, true, nil
}
