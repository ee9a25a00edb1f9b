package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A process is the built command, as make run starts it.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	url string
	env []string

	output logCapture
}

// build builds the command.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "local")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

func start(t *testing.T, path string, env ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(path), env: env}
	p.cmd.Env = append(append(os.Environ(), "ADDR=127.0.0.1:0"), env...)
	p.cmd.Stderr = io.MultiWriter(os.Stderr, &p.output)
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	lines := bufio.NewScanner(io.TeeReader(out, &p.output))
	for lines.Scan() {
		if found := regexp.MustCompile(`http://[0-9.:]+`).FindString(lines.Text()); found != "" {
			p.url = found
			go func() { _, _ = io.Copy(&p.output, out) }()
			return p
		}
	}
	t.Fatal("the process did not start")
	return nil
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// do sends a request without following redirects.
func (p *process) do(method, path, contentType, body string, header ...string) (*http.Response, []byte) {
	p.t.Helper()
	r, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res, raw
}

func (p *process) post(path, body string) []byte {
	p.t.Helper()
	res, raw := p.do("POST", path, "application/json", body)
	if res.StatusCode >= 300 {
		p.t.Fatalf("POST %s: %d %s", path, res.StatusCode, raw)
	}
	return raw
}

func (p *process) setClock(t string) { p.post("/local/clock", `{"now":"`+t+`"}`) }

type mail struct {
	ID      string
	Headers map[string]string
	To      []string
	Kind    string
	Subject string
	Text    string
	HTML    string
	RawURL  string

	Calendar string
}

func (p *process) mails() []mail {
	p.t.Helper()
	_, raw := p.do("GET", "/local/mails", "", "")
	var ms []mail
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&ms); err != nil {
		p.t.Fatal(err)
	}
	return ms
}

// kinds are those of the mails to an address, in order.
func (p *process) kinds(to string) string {
	p.t.Helper()
	var ks []string
	for _, m := range p.mails() {
		if m.To[0] == to {
			ks = append(ks, m.Kind)
		}
	}
	return strings.Join(ks, " ")
}

// until waits for what is promised within two seconds, and longer on a busy machine.
func (p *process) until(what string, ok func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("%s did not come: there are %d mails", what, len(p.mails()))
		}
	}
}
