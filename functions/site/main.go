// Command site is the function of the visitors' pages.
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
	"deltag/internal/maildomain"
	"deltag/internal/web"
	"deltag/internal/web/visitor"
)

func main() {
	log := functionlog.New(os.Stderr, config.Build)
	slog.SetDefault(log)
	if err := run(log); err != nil {
		log.Error("site does not start", "error", err)
		os.Exit(1)
	}
}

func run(log *slog.Logger) error {
	var c config.Site
	if err := config.Read(&c, os.Environ()); err != nil {
		return err
	}
	client := dynamo.NewClient(c.Region, c.DynamoDBEndpoint, config.Credentials(os.Getenv))
	var metrics visitor.Metrics
	pages := visitor.New(visitor.Options{
		Store:           dynamo.New(client, c.Table, rand.Reader),
		BaseURL:         c.BaseURL,
		Build:           config.Build,
		Now:             time.Now,
		Log:             log,
		CheckDomain:     maildomain.NewCheck(c.CheckDomains, time.Now, log),
		MinResponseTime: web.MinResponseTime,
		Metrics:         &metrics,
	})
	done := func(ctx context.Context) {
		emf.Log(ctx, log, lambdacontext.FunctionName, time.Now(), metrics.Take())
	}
	lambda.Start(lambdaevent.Then(lambdaevent.HTTPHandler(pages), done))
	return nil
}
