// Command hello is a Lambda function that does as its event says.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct{ Do, Value string }

func main() {
	fmt.Println("hello from init")
	if os.Getenv("BROKEN") != "" {
		fmt.Fprintln(os.Stderr, "TABLE is missing")
		os.Exit(3)
	}
	if os.Getenv("SLOW") != "" {
		select {}
	}
	lambda.Start(handle)
}

func handle(ctx context.Context, e event) (any, error) {
	switch e.Do {
	case "echo":
		return e.Value, nil
	case "context":
		deadline, _ := ctx.Deadline()
		call, _ := lambdacontext.FromContext(ctx)
		return map[string]any{"deadline": deadline.UnixMilli(), "id": call.AwsRequestID, "arn": call.InvokedFunctionArn}, nil
	case "environment":
		return os.Environ(), nil
	case "fail":
		return nil, errors.New(e.Value)
	case "panic":
		panic(e.Value)
	case "exit":
		fmt.Fprintln(os.Stderr, e.Value)
		os.Exit(4)
	case "hang":
		<-ctx.Done()
		select {}
	case "spend":
		var sum int
		held := make([]byte, 64<<20)
		for range 3 {
			for i := range held {
				held[i]++
				sum += int(held[i])
			}
		}
		return json.Marshal(sum)
	}
	return nil, fmt.Errorf("unknown: %s", e.Do)
}
