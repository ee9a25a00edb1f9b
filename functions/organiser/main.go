// Command organiser is the function of the organisers' API.
package main

import (
	"crypto/rand"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"deltag/internal/api"
	"deltag/internal/config"
	"deltag/internal/dynamo"
	"deltag/internal/lambdaevent"
	"deltag/internal/maildomain"
	"deltag/internal/organiser"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	slog.SetDefault(log)
	if err := run(log); err != nil {
		log.Error("organiser does not start", "error", err)
		os.Exit(1)
	}
}

func run(log *slog.Logger) error {
	var c config.Organiser
	if err := config.Read(&c, os.Environ()); err != nil {
		return err
	}
	client := dynamo.NewClient(c.Region, c.DynamoDBEndpoint, config.Credentials(os.Getenv))
	store := dynamo.New(client, c.Table, rand.Reader)
	lambda.Start(lambdaevent.HTTPHandler(api.New(api.Options{
		Organiser: &organiser.Service{
			Store: store, Random: rand.Reader, CheckDomain: maildomain.NewCheck(c.CheckDomains, time.Now, log),
		},
		Tokens:  store,
		BaseURL: c.BaseURL,
		Now:     time.Now,
		Log:     log,
	})))
	return nil
}
