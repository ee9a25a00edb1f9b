package dynamoemu_test

import (
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"deltag/internal/dynamoemu"
)

func BenchmarkServer(b *testing.B) {
	for _, size := range []int{0, 5000} {
		b.Run(fmt.Sprintf("items=%d", size), func(b *testing.B) {
			useFolder(b, b.TempDir(), func(_ *dynamoemu.Server, c *dynamodb.Client) {
				for n := range size {
					it := key("E", registrationSK(n))
					it["GSI1PK"], it["GSI1SK"] = text("DUE"), text(fmt.Sprintf("%08d", n))
					it["Name"], it["Email"] = text("Anna Andersen"), text(fmt.Sprintf("anna-%d@example.dk", n))
					put(b, c, it)
				}
				b.Run("SignUp", func(b *testing.B) { benchmarkSignUp(b, c) })
				b.Run("Due", func(b *testing.B) { benchmarkDue(b, c) })
			})
		})
	}
}

func benchmarkSignUp(b *testing.B, c *dynamodb.Client) {
	run := rand.Text()
	var n atomic.Int64
	b.SetParallelism(8) // with 2 cores: 16 writers
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			id := fmt.Sprint(run, n.Add(1))
			registration, mail := key("B", "REG#"+id), key("B", "MAIL#"+id)
			if err := transact(b.Context(), c, putNewAction(registration), putNewAction(mail)); err != nil {
				b.Error(err)
			}
		}
	})
}

func benchmarkDue(b *testing.B, c *dynamodb.Client) {
	for b.Loop() {
		_, err := c.Query(b.Context(), &dynamodb.QueryInput{
			TableName: table, IndexName: aws.String("GSI1"), Limit: aws.Int32(100),
			KeyConditionExpression:    aws.String("GSI1PK = :d AND GSI1SK <= :now"),
			ExpressionAttributeValues: row{":d": text("DUE"), ":now": text("9")},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
