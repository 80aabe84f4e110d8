package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/spf13/cobra"
)

// proxyFlags are the options of sluice proxy.
type proxyFlags struct {
	url, listen, region, profile string
}

func proxyCommand() *cobra.Command {
	var f proxyFlags
	cmd := &cobra.Command{
		Use:   "proxy --url URL",
		Short: "Let any Connect client use a deployed REST API, by signing its requests",
		Long: `Listens on this machine and hands requests on to a deployed REST API, signed with your AWS credentials: those of the
environment, of a profile, or of single sign-on. The URL is the stack's output RestUrl, or RestApiUrl.`,
		Example: "  sluice proxy --url https://….lambda-url.eu-west-1.on.aws\n  curl localhost:8083/connectors",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runProxy(cmd, f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.url, "url", "", "the deployed REST API")
	fl.StringVar(&f.listen, "listen", "127.0.0.1:8083", "address to listen on; whoever reaches it acts with your credentials")
	fl.StringVar(&f.region, "region", "", "region to sign for (default: the one in the URL, or that of the environment)")
	fl.StringVar(&f.profile, "profile", "", "AWS profile (default: that of the environment)")
	return cmd
}

func runProxy(cmd *cobra.Command, f proxyFlags) error {
	target, err := url.Parse(f.url)
	if err != nil || target.Host == "" {
		return fmt.Errorf("--url %q: give the URL that the stack's output RestUrl says%w", f.url, errUsage)
	}
	ctx := cmd.Context()
	account, err := awsConfig(ctx, f.region, f.profile)
	if err != nil {
		return err
	}
	service, region := signedFor(target, account.Region)
	if f.region != "" {
		region = f.region
	}
	if region == "" {
		return fmt.Errorf("signing for %s: no region; give --region%w", target.Host, errUsage)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.listen)
	if err != nil {
		return fmt.Errorf("listening at %s: %w (is another Connect, or another sluice, running? --listen chooses another address)", f.listen, err)
	}
	server := &http.Server{Handler: newProxy(target, signer{account.Credentials, service, region}), ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	cmd.Printf("http://%s is %s; Ctrl-C ends it\n", listener.Addr(), target)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving at %s: %w", f.listen, err)
	}
	return nil
}

// awsConfig finds region and credentials as AWS's own tools do.
func awsConfig(ctx context.Context, region, profile string) (aws.Config, error) {
	var options []func(*config.LoadOptions) error
	if region != "" {
		options = append(options, config.WithRegion(region))
	}
	if profile != "" {
		options = append(options, config.WithSharedConfigProfile(profile))
	}
	account, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return account, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	return account, nil
}

// awsHost matches function URLs and HTTP APIs.
var awsHost = regexp.MustCompile(`\.(lambda-url|execute-api)\.([a-z0-9-]+)\.`)

// signedFor is what requests to an address are signed for.
func signedFor(target *url.URL, region string) (service, in string) {
	if m := awsHost.FindStringSubmatch(target.Hostname()); m != nil {
		if m[1] == "execute-api" {
			return m[1], m[2]
		}
		return "lambda", m[2]
	}
	return "lambda", region
}

// signer signs requests.
type signer struct {
	credentials     aws.CredentialsProvider
	service, region string
}

// newProxy hands requests on to the target, signed.
func newProxy(target *url.URL, s signer) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = target.Host
		},
		Transport: s,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadGateway)
			_, _ = fmt.Fprintf(w, `{"error_code":502,"message":%q}`, err.Error())
		},
	}
}

// mostRequest is the largest body that a function URL takes.
const mostRequest = 6 << 20

// RoundTrip implements http.RoundTripper.
func (s signer) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, mostRequest+1)); err != nil {
			return nil, fmt.Errorf("reading the request: %w", err)
		}
		r.Body.Close()
	}
	if len(body) > mostRequest {
		return nil, fmt.Errorf("a request of more than %d bytes is too large for Lambda", mostRequest)
	}
	// What the client said of itself is not for AWS, and what is not signed may be changed on the way.
	ctx := r.Context()
	r = r.Clone(ctx)
	for _, header := range []string{"Authorization", "X-Forwarded-For", "Connection", "Te"} {
		r.Header.Del(header)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	credentials, err := s.credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("finding AWS credentials: %w", err)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, r, hex.EncodeToString(sum[:]), s.service, s.region, time.Now()); err != nil {
		return nil, fmt.Errorf("signing the request: %w", err)
	}
	return http.DefaultTransport.RoundTrip(r)
}
