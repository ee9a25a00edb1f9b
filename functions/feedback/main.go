// Command feedback is the function that records SES's events in the mail ledger.
package main

import (
	"crypto/rand"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"deltag/internal/config"
	"deltag/internal/dynamo"
	"deltag/internal/functionlog"
	"deltag/internal/lambdaevent"
	"deltag/internal/mailer"
)

func main() {
	log := functionlog.New(os.Stderr, config.Build)
	slog.SetDefault(log)
	if err := run(); err != nil {
		log.Error("feedback does not start", "error", err)
		os.Exit(1)
	}
}

func run() error {
	var c config.Base
	if err := config.Read(&c, os.Environ()); err != nil {
		return err
	}
	client := dynamo.NewClient(c.Region, c.DynamoDBEndpoint, config.Credentials(os.Getenv))
	feedback := &mailer.Feedback{Store: dynamo.New(client, c.Table, rand.Reader)}
	lambda.Start(lambdaevent.SESEventHandler(feedback.HandleSESEvent))
	return nil
}
