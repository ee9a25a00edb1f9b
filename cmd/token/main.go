// Command token makes an access token for the API of a table in AWS, and prints it. Only its hash is stored. With -owner
// it prints a link to sign in instead, for when there is no mail yet. Credentials and region come from the environment: aws configure export-credentials --format env.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"deltag/internal/account"
	"deltag/internal/address"
	"deltag/internal/config"
	"deltag/internal/deltag"
	"deltag/internal/dynamo"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "token:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	flags := flag.NewFlagSet("token", flag.ContinueOnError)
	table := flags.String("table", getenv("TABLE"), "the table's `name`")
	name := flags.String("name", "", "`who` or what the token is for")
	days := flags.Int("days", 365, "how many `days` it is valid")
	owner := flags.String("owner", "", "the `address` of a member, or one in ORGANISERS, to print a link to sign in for")
	baseURL := flags.String("base-url", getenv("BASE_URL"), "where the link leads: scheme and host")
	if err := flags.Parse(args); err != nil {
		return err
	}
	region, endpoint := getenv("AWS_REGION"), getenv("DYNAMODB_ENDPOINT")
	switch {
	case *table == "" || *name == "" && *owner == "":
		return errors.New("-table and -name, or -owner, are needed")
	case *owner != "" && !strings.HasPrefix(*baseURL, "https://"):
		return errors.New("-base-url is needed with -owner, such as https://deltag.example.dk")
	case flags.NArg() > 0:
		return fmt.Errorf("%q is not an option; put quotes around a name of several words", flags.Arg(0))
	case *days < 1 || *days > 3650:
		return errors.New("-days has to be from 1 to 3650")
	case region == "":
		return errors.New("AWS_REGION is not set")
	case endpoint == "" && getenv("AWS_ACCESS_KEY_ID") == "":
		return errors.New("no credentials: run `eval $(aws configure export-credentials --format env)` first")
	}
	store := dynamo.New(dynamo.NewClient(region, endpoint, config.Credentials(getenv)), *table, rand.Reader)
	if *owner != "" {
		return printLink(ctx, store, *owner, strings.TrimSuffix(*baseURL, "/"), out)
	}
	accounts := account.Service{Store: store, Random: rand.Reader}
	now := time.Now()
	token, err := accounts.CreateOperatorToken(ctx, operator, *name, now.AddDate(0, 0, *days), now)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, token)
	return err
}

// operator is who acts, in the audit log.
var operator = deltag.Operator("cmd/token")

// printLink makes a link that is good for a quarter of an hour, and once. ORGANISERS is not known here, so whoever runs
// this vouches that the address stands there, if it is no member's: without either, the link lets nobody in.
func printLink(ctx context.Context, store *dynamo.Store, owner, baseURL string, out io.Writer) error {
	who, err := address.Parse(owner)
	if err != nil {
		return fmt.Errorf("-owner %q: %w", owner, err)
	}
	accounts := account.Service{Store: store, Owners: []deltag.Address{who}, Random: rand.Reader}
	token, err := accounts.IssueLink(ctx, operator, who, time.Now())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, baseURL+"/organiser/sign-in/"+token)
	return err
}
