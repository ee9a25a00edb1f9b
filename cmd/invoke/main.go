// Command invoke builds one of the functions, invokes it with a recorded event, and prints its response:
//
//	go run ./cmd/invoke site events/http-get-event-page.json
//
// The function's own output goes to standard error. Without DYNAMODB_ENDPOINT and SES_ENDPOINT it has no table and no
// SES.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"deltag/internal/testing/lambdaruntime"
)

// environment is what the functions read, with the values for variables that are not set. Nothing listens on port 9.
var environment = []struct{ name, value string }{
	{"TABLE", "deltag"},
	{"BASE_URL", "http://127.0.0.1:8080"},
	{"MAIL_FROM", "deltag@example.dk"},
	{"MAIL_RATE", "14"},
	{"CONFIGURATION_SET", "deltag"},
	{"DYNAMODB_ENDPOINT", "http://127.0.0.1:9"},
	{"SES_ENDPOINT", "http://127.0.0.1:9"},
}

func main() {
	if err := run(context.Background(), os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, lookup func(string) (string, bool), stdout, stderr io.Writer) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: invoke <site|organiser|mailer|feedback> <event.json>")
	}
	event, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "invoke")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	binary, err := lambdaruntime.Build(folder, "deltag/functions/"+args[0])
	if err != nil {
		return err
	}
	function, err := lambdaruntime.Start(ctx, binary, settings(lookup))
	if err != nil {
		return err
	}
	began := time.Now()
	response, err := function.Invoke(ctx, event)
	took := time.Since(began)
	function.Stop()
	fmt.Fprint(stderr, function.Output())
	if err != nil {
		return err
	}
	fmt.Fprintf(
		stderr, "init %s, response %s\n", function.InitDuration().Round(time.Microsecond), took.Round(time.Microsecond),
	)
	_, err = fmt.Fprintf(stdout, "%s\n", response)
	return err
}

func settings(lookup func(string) (string, bool)) []string {
	var env []string
	for _, e := range environment {
		value, set := lookup(e.name)
		if !set {
			value = e.value
		}
		env = append(env, e.name+"="+value)
	}
	return env
}
