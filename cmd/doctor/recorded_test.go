package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/aws/smithy-go/encoding/cbor"

	"deltag/internal/testing/storetest"
)

// A recordedAWS answers with the files of testdata/aws, which have the forms of AWS's references: XML of the query protocol
// (STS, CloudFormation, SNS), JSON, and CBOR made of JSON (CloudWatch). What is read of the table comes from a real one. A
// call that has no file is a fault of the test.
type recordedAWS struct {
	t       *testing.T
	url     string
	table   string
	engine  http.Handler
	changes []change

	mu    sync.Mutex
	mails map[string]string // what each test mail will be reported as, by message id
}

// A change puts new for old in the answer to an operation; without old it is the whole answer. A status above 0 makes the
// answer an error.
type change struct {
	operation string
	old, new  string
	status    int
}

func newRecordedAWS(t *testing.T, engine storetest.Engine, changes ...change) *recordedAWS {
	t.Helper()
	endpoint, err := url.Parse(engine.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	a := &recordedAWS{
		t: t, table: engine.Table, engine: httputil.NewSingleHostReverseProxy(endpoint), changes: changes, mails: map[string]string{},
	}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

func (a *recordedAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	operation := operationOf(r, body)
	switch operation {
	case "Query", "BatchGetItem", "GetItem":
		a.engine.ServeHTTP(w, r)
		return
	case "GetMetricStatistics":
		operation = metricOf(body)
	}
	answer, contentType := a.read(operation)
	if operation == "GetEmailIdentity" && path.Base(r.URL.Path) != "example.dk" {
		a.fail(w, r, http.StatusNotFound, "NotFoundException", "Email identity does not exist.")
		return
	}
	for _, c := range a.changes {
		switch {
		case c.operation != operation:
		case c.status > 0:
			a.fail(w, r, c.status, c.old, c.new)
			return
		case c.old == "":
			answer = c.new
		case !strings.Contains(answer, c.old):
			a.t.Errorf("%s has no %s", operation, c.old)
		default:
			answer = strings.ReplaceAll(answer, c.old, c.new)
		}
	}
	answer = strings.NewReplacer("http://SERVER", a.url, "TABLE", a.table).Replace(answer)
	switch operation {
	case "SendEmail":
		answer = a.noteMail(answer, string(body))
	case "FilterLogEvents":
		answer = a.reports(answer, string(body))
	}
	if strings.HasPrefix(r.URL.Path, "/service/") {
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.Header().Set("Content-Type", "application/cbor")
		_, _ = w.Write(cborOf(a.t, answer))
		return
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = io.WriteString(w, answer)
}

// operationOf reads the name of the operation from where each protocol has it.
func operationOf(r *http.Request, body []byte) string {
	if _, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		return name
	}
	if form, err := url.ParseQuery(string(body)); err == nil && form.Get("Action") != "" {
		return form.Get("Action")
	}
	base := path.Base(r.URL.Path)
	switch p := r.URL.Path; {
	case strings.HasPrefix(p, "/service/"):
		return base
	case p == "/healthz":
		return "health"
	case p == "/v2/email/account":
		return "GetAccount"
	case p == "/v2/email/outbound-emails":
		return "SendEmail"
	case strings.HasPrefix(p, "/v2/email/identities/"):
		return "GetEmailIdentity"
	case base == "event-destinations":
		return "GetConfigurationSetEventDestinations"
	case strings.HasPrefix(p, "/v2/email/configuration-sets/"):
		return "GetConfigurationSet"
	case base == "concurrency":
		return "GetFunctionConcurrency"
	case base == "account-settings":
		return "GetAccountSettings"
	case strings.Contains(p, "event-source-mappings"):
		return "ListEventSourceMappings"
	}
	return r.Method + " " + r.URL.Path
}

func metricOf(body []byte) string {
	for _, name := range []string{"OldestDueAge", "MailsRefused"} {
		if bytes.Contains(body, []byte(name)) {
			return name
		}
	}
	return "another metric"
}

func (a *recordedAWS) read(operation string) (answer, contentType string) {
	for suffix, contentType := range map[string]string{".json": "application/json", ".xml": "text/xml"} {
		if text, err := os.ReadFile("testdata/aws/" + operation + suffix); err == nil {
			return string(text), contentType
		}
	}
	a.t.Errorf("no recorded answer to %s", operation)
	return "", ""
}

// fail is an error in all protocols at once.
func (a *recordedAWS) fail(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	w.Header().Set("X-Amzn-Errortype", code)
	if strings.HasPrefix(r.URL.Path, "/service/") {
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.Header().Set("Content-Type", "application/cbor")
		w.WriteHeader(status)
		_, _ = w.Write(cborOf(a.t, fmt.Sprintf(`{"__type":%q,"message":%q}`, code, message)))
		return
	}
	if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		w.WriteHeader(status)
		fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>", code, message)
		return
	}
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"__type":%q,"message":%q}`, code, message)
}

// noteMail gives each mail an id of its own, and remembers what the simulator does with it.
func (a *recordedAWS) noteMail(answer, request string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for to, report := range map[string]string{"success": "Delivery", "bounce": "Bounce", "complaint": "Complaint"} {
		if strings.Contains(request, `"`+to+`@simulator.amazonses.com"`) && strings.Contains(request, `"ConfigurationSet-0a1b"`) {
			id := fmt.Sprintf("0110019ab1c2d3e4-%d-000000", len(a.mails))
			a.mails[id] = report
			return strings.ReplaceAll(answer, "0110019ab1c2d3e4-N-000000", id)
		}
	}
	a.t.Errorf("a mail that is none of the simulator's: %s", request)
	return answer
}

// reports is what feedback has logged about the mail that is asked for.
func (a *recordedAWS) reports(answer, request string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, report := range a.mails {
		if strings.Contains(request, id) {
			return strings.NewReplacer("ID", id, "TYPE", report).Replace(answer)
		}
	}
	a.t.Errorf("the log is asked for another mail: %s", request)
	return answer
}

// cborOf encodes JSON as CBOR.
func cborOf(t *testing.T, text string) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Errorf("%s: %v", text, err)
	}
	return cbor.Encode(cborValue(v))
}

func cborValue(v any) cbor.Value {
	switch v := v.(type) {
	case map[string]any:
		m := cbor.Map{}
		for name, field := range v {
			m[name] = cborValue(field)
		}
		return m
	case []any:
		var l cbor.List
		for _, element := range v {
			l = append(l, cborValue(element))
		}
		return l
	case string:
		return cbor.String(v)
	case float64:
		return cbor.Float64(v)
	case bool:
		return cbor.Bool(v)
	}
	return &cbor.Nil{}
}
