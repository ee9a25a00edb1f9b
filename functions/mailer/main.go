// Command mailer is the function that sends what is due. The table's stream invokes it for each new due item, and the
// schedule once a minute.
package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"deltag/internal/config"
	"deltag/internal/dynamo"
	"deltag/internal/emf"
	"deltag/internal/functionlog"
	"deltag/internal/lambdaevent"
	"deltag/internal/mailer"
	"deltag/internal/mailtmpl"
	"deltag/internal/ses"
)

func main() {
	log := functionlog.New(os.Stderr, config.Build)
	slog.SetDefault(log)
	if err := run(log); err != nil {
		log.Error("mailer does not start", "error", err)
		os.Exit(1)
	}
}

func run(log *slog.Logger) error {
	var c config.Mailer
	if err := config.Read(&c, os.Environ()); err != nil {
		return err
	}
	keys := config.Credentials(os.Getenv)
	store := dynamo.New(dynamo.NewClient(c.Region, c.DynamoDBEndpoint, keys), c.Table, rand.Reader)
	httpClient := ses.NewHTTPClient()
	sender := &ses.Sender{
		Client: ses.NewClient(c.Region, c.SESEndpoint, keys, httpClient),
		From:   c.MailFrom, ConfigurationSet: c.ConfigurationSet,
	}
	renderer := &mailtmpl.Renderer{From: c.MailFrom, BaseURL: c.BaseURL}
	mailer := mailer.New(store, renderer, sender, time.Now, log, c.MailRate)
	runTask := func(ctx context.Context, pk, sk string) error {
		return mailer.RunTask(ctx, dynamo.ParseTask(pk, sk))
	}
	done := func(ctx context.Context) {
		emf.Log(ctx, log, lambdacontext.FunctionName, time.Now(), mailer.Metrics.Take())
		httpClient.CloseIdleConnections()
	}
	lambda.Start(lambdaevent.Then(lambdaevent.MailerHandler(mailer.RunDue, runTask), done))
	return nil
}
