package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"deltag/internal/local"
)

// credentials are those of nobody: the stand-ins look at none.
func credentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
}

func newSES(endpoint string) *sesv2.Client {
	return sesv2.New(sesv2.Options{
		BaseEndpoint: &endpoint, Region: "eu-north-1", Credentials: aws.CredentialsProviderFunc(credentials),
		Retryer: aws.NopRetryer{},
	})
}

// account is that of the sender of plainMail.
var account = local.SESAccount{Identities: []string{"example.dk"}, ConfigurationSets: []string{"deltag"}}

const plainMail = "From: deltag@example.dk\r\nTo: anna@example.dk\r\nSubject: Hello\r\n\r\nHello\r\n"

func message(raw string) *sesv2.SendEmailInput {
	return &sesv2.SendEmailInput{
		FromEmailAddress: aws.String("deltag@example.dk"), ConfigurationSetName: aws.String("deltag"),
		Destination: &types.Destination{ToAddresses: []string{"Anna Andersen <anna@example.dk>"}},
		Content:     &types.EmailContent{Raw: &types.RawMessage{Data: []byte(raw)}},
		EmailTags:   []types.MessageTag{{Name: aws.String("kind"), Value: aws.String("confirmation")}},
	}
}

func sendMail(ctx context.Context, c *sesv2.Client, raw string) (string, error) {
	out, err := c.SendEmail(ctx, message(raw))
	if err != nil {
		return "", err
	}
	return aws.ToString(out.MessageId), nil
}

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func openSES(tb testing.TB, folder string) (*local.SESServer, *sesv2.Client) {
	tb.Helper()
	r, err := local.OpenSESServer(folder, account, func() time.Time { return noon })
	if err != nil {
		tb.Fatal(err)
	}
	srv := httptest.NewServer(r)
	tb.Cleanup(srv.Close)
	return r, newSES(srv.URL)
}

func TestSESStoresMails(t *testing.T) {
	folder := t.TempDir()
	r, c := openSES(t, folder)
	raw, err := os.ReadFile(filepath.Join("testdata", "invitation.eml"))
	if err != nil {
		t.Fatal(err)
	}
	first, err := sendMail(t.Context(), c, string(raw))
	if err != nil {
		t.Fatal(err)
	}
	second, err := sendMail(t.Context(), c, plainMail)
	if err != nil {
		t.Fatal(err)
	}
	want := local.Mail{
		ID: first, At: noon, From: "Tænketank <deltag@example.dk>", To: []string{"anna@example.dk"},
		Subject: "Tilmelding til Samskabelse på dagsordenen",
		Kind:    "confirmation", Text: "Hej Anna\r\n\r\nDu er tilmeldt på æøå.\r\n",
		HTML:     "<html><head><title>Hej</title></head><body><p>Hej Anna, æøå</p></body></html>\r\n",
		Calendar: "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n", RawURL: "/local/mails/" + first + "/raw",
		Headers: map[string]string{
			"From": "Tænketank <deltag@example.dk>", "To": "Anna Andersen <anna@example.dk>",
			"Subject":      "Tilmelding til Samskabelse på dagsordenen",
			"MIME-Version": "1.0", "X-Note": "one, two", "List-Unsubscribe": "<https://example.dk/u>",
			"Content-Type": `multipart/mixed; boundary="outer"`,
		},
		Attachments: []local.Attachment{
			{
				Name: "møde.ics", Type: "text/calendar",
				Data: []byte("BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"),
			},
		},
	}
	check := func(t *testing.T, r *local.SESServer) {
		t.Helper()
		got := r.Mails()
		if diff := cmp.Diff(want, got[0]); diff != "" {
			t.Error(diff)
		}
		if got[1].ID != second || first >= second {
			t.Errorf("ids %s and %s do not rise", first, second)
		}
		kept, err := r.Raw(first)
		if err != nil || !bytes.Equal(kept, raw) {
			t.Errorf("the raw message has changed, %v", err)
		}
	}
	check(t, r)

	t.Run("AcrossARestart", func(t *testing.T) {
		r, c := openSES(t, folder)
		check(t, r)
		third, err := sendMail(t.Context(), c, plainMail)
		if err != nil || third <= second {
			t.Errorf("id %s after %s, %v", third, second, err)
		}
	})
}

// raw is a request with another message, multipart and attachment one with a message that consists of parts, the first of
// which begins with text or is a file. to is a request with another recipient.
func raw(text string) func(*sesv2.SendEmailInput) {
	return func(in *sesv2.SendEmailInput) { in.Content.Raw.Data = []byte(text) }
}

func multipart(text string) func(*sesv2.SendEmailInput) {
	return raw("From: deltag@example.dk\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" + text)
}

func attachment(name string) func(*sesv2.SendEmailInput) {
	return multipart(fmt.Sprintf("Content-Disposition: attachment; filename=%q\r\n\r\na\r\n--x--\r\n", name))
}

func to(address string) func(*sesv2.SendEmailInput) {
	return func(in *sesv2.SendEmailInput) { in.Destination.ToAddresses[0] = address }
}

// TestSESRefusesInvalidRequests is about what SES's documentation forbids: see ses_rules.go.
func TestSESRefusesInvalidRequests(t *testing.T) {
	r, c := openSES(t, t.TempDir())
	for name, change := range map[string]func(*sesv2.SendEmailInput){
		"NoRawMessage": func(in *sesv2.SendEmailInput) { in.Content.Raw.Data = []byte{} },
		"MoreThan40MBInBase64": func(in *sesv2.SendEmailInput) {
			line := strings.Repeat("a", 998) + "\r\n"
			in.Content.Raw.Data = []byte(plainMail + strings.Repeat(line, 30<<20/len(line)+1))
		},
		"NoFromField":       raw("To: a@example.dk\r\n\r\n"),
		"SenderIsNoAddress": func(in *sesv2.SendEmailInput) { in.FromEmailAddress = aws.String("nobody") },
		"NoRecipient": func(in *sesv2.SendEmailInput) {
			in.Destination = nil
			in.Content.Raw.Data = []byte("From: deltag@example.dk\r\n\r\n")
		},
		"RecipientInLettersBeyondASCII": to("løb@example.dk"),
		"DomainInLettersBeyondASCII":    to("anna@løb.dk"),
		"NameInLettersBeyondASCII":      to("Åse <anna@example.dk>"),
		"LocalPartTooLong":              to(strings.Repeat("a", 65) + "@example.dk"),
		"AddressTooLong":                to("anna@" + strings.Repeat("a.", 125) + "dk"),
		"RecipientIsNoAddress":          func(in *sesv2.SendEmailInput) { in.Destination.ToAddresses[0] = "anna@" },
		"TooManyRecipients": func(in *sesv2.SendEmailInput) {
			in.Destination.ToAddresses = slices.Repeat(in.Destination.ToAddresses, 51)
		},
		"TagWithASpace": func(in *sesv2.SendEmailInput) { in.EmailTags[0].Value = aws.String("a b") },
		"TagNotASCII":   func(in *sesv2.SendEmailInput) { in.EmailTags[0].Name = aws.String("løb") },
		"TagWithADot":   func(in *sesv2.SendEmailInput) { in.EmailTags[0].Value = aws.String("a.b") },
		"TagWithAnAt":   func(in *sesv2.SendEmailInput) { in.EmailTags[0].Value = aws.String("a@b") },
		"TagTooLong": func(in *sesv2.SendEmailInput) {
			in.EmailTags[0].Value = aws.String(strings.Repeat("a", 257))
		},
		"51Tags": func(in *sesv2.SendEmailInput) {
			for n := range 50 {
				in.EmailTags = append(in.EmailTags, types.MessageTag{Name: aws.String(fmt.Sprint(n)), Value: aws.String("v")})
			}
		},
		"EmptyTag":              func(in *sesv2.SendEmailInput) { in.EmailTags[0].Value = aws.String("") },
		"TagTwice":              func(in *sesv2.SendEmailInput) { in.EmailTags = slices.Repeat(in.EmailTags, 2) },
		"BrokenHeader":          raw("no header\r\n\r\n"),
		"NoEmptyLine":           raw("From: deltag@example.dk\r\nSubject: Hello\r\n"),
		"HeaderBeyondASCII":     raw("From: deltag@example.dk\r\nSubject: Blåbær\r\n\r\n"),
		"LineFeedsAlone":        raw(strings.ReplaceAll(plainMail, "\r\n", "\n")),
		"CarriageReturnAlone":   raw(plainMail + "a\rb\r\n"),
		"NUL":                   raw(plainMail + "a\x00b\r\n"),
		"LineOf1001Octets":      raw(plainMail + strings.Repeat("a", 999) + "\r\n"),
		"LastLineOf999Octets":   raw(plainMail + strings.Repeat("a", 999)),
		"HeaderLineTooLong":     raw("X-Long: " + strings.Repeat("a", 1000) + "\r\n" + plainMail),
		"SubjectTwice":          raw("Subject: Hi\r\n" + plainMail),
		"UnsubscribeTwice":      raw("List-Unsubscribe: <https://a>\r\nlist-unsubscribe: <https://a>\r\n" + plainMail),
		"ToTwice":               raw("To: bo@example.dk\r\n" + plainMail),
		"InstructionToSES":      raw("X-SES-CONFIGURATION-SET: other\r\n" + plainMail),
		"UnreadableSender":      raw("Sender: nobody\r\n" + plainMail),
		"SenderBeyondASCII":     func(in *sesv2.SendEmailInput) { in.FromEmailAddress = aws.String("løb@example.dk") },
		"SenderNameUnencoded":   func(in *sesv2.SendEmailInput) { in.FromEmailAddress = aws.String("Åse <a@example.dk>") },
		"IncompleteMultipart":   multipart("\r\nhalf"),
		"BrokenBase64":          multipart("Content-Transfer-Encoding: base64\r\n\r\n%%%%\r\n--x--\r\n"),
		"501Parts":              multipart("\r\na\r\n" + strings.Repeat("--x\r\n\r\na\r\n", 500) + "--x--\r\n"),
		"UnsupportedFile":       attachment("run.exe"),
		"UnsupportedInCapitals": attachment("a.pdf.VBS"),
		"UnsupportedEncoded":    attachment("=?utf-8?q?l=C3=B8b.bat?="),
		"UnsupportedByTheType":  multipart("Content-Type: text/plain; name=\"a.js\"\r\n\r\na\r\n--x--\r\n"),
		"TemplateInsteadOfRaw": func(in *sesv2.SendEmailInput) {
			in.Content = &types.EmailContent{Template: &types.Template{}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := message(plainMail)
			change(in)
			_, err := c.SendEmail(t.Context(), in)
			var refused *types.BadRequestException
			if !errors.As(err, &refused) || refused.ErrorMessage() == "" {
				t.Errorf("got %v", err)
			}
		})
	}
	for name, change := range map[string]func(*sesv2.SendEmailInput){
		"From":         raw("From: deltag@example.org\r\n\r\n"),
		"SecondFrom":   raw("From: deltag@example.dk, deltag@example.org\r\nSender: deltag@example.dk\r\n\r\n"),
		"Sender":       raw("Sender: deltag@example.org\r\n" + plainMail),
		"ReturnPath":   raw("Return-Path: <deltag@example.org>\r\n" + plainMail),
		"OfRequest":    func(in *sesv2.SendEmailInput) { in.FromEmailAddress = aws.String("deltag@example.org") },
		"LongerDomain": func(in *sesv2.SendEmailInput) { in.FromEmailAddress = aws.String("deltag@notexample.dk") },
	} {
		t.Run("NotVerified/"+name, func(t *testing.T) {
			in := message(plainMail)
			change(in)
			_, err := c.SendEmail(t.Context(), in)
			var refused *types.MessageRejected
			if !errors.As(err, &refused) || !strings.HasPrefix(refused.ErrorMessage(), "Email address is not verified.") {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("ConfigurationSetThatIsNotThere", func(t *testing.T) {
		in := message(plainMail)
		in.ConfigurationSetName = aws.String("other")
		_, err := c.SendEmail(t.Context(), in)
		if absent := (*types.NotFoundException)(nil); !errors.As(err, &absent) {
			t.Errorf("got %v", err)
		}
	})
	if got := len(r.Mails()); got != 0 {
		t.Errorf("%d mails were stored", got)
	}
}

// TestSESTakesWhatIsJustAllowed is about the same rules.
func TestSESTakesWhatIsJustAllowed(t *testing.T) {
	_, c := openSES(t, t.TempDir())
	for name, change := range map[string]func(*sesv2.SendEmailInput){
		"LineOf1000Octets":    raw(plainMail + strings.Repeat("a", 998) + "\r\n"),
		"LastLineOf998Octets": raw(plainMail + strings.Repeat("a", 998)),
		"BodyBeyondASCII":     raw(plainMail + "Blåbær\r\n"),
		"OtherFieldTwice":     raw("X-Note: a\r\nX-Note: b\r\n" + plainMail),
		"500Parts":            multipart("\r\na\r\n" + strings.Repeat("--x\r\n\r\na\r\n", 499) + "--x--\r\n"),
		"OtherFile":           attachment("møde.ics"),
		"Subdomain":           raw(strings.Replace(plainMail, "@example.dk", "@mail.EXAMPLE.dk", 1)),
		"Punycode":            to("anna@xn--lb-mka.dk"),
		"LocalPartOf64Octets": to(strings.Repeat("a", 64) + "@example.dk"),
		"50Recipients": func(in *sesv2.SendEmailInput) {
			in.Destination.ToAddresses = slices.Repeat(in.Destination.ToAddresses, 50)
		},
		"TagOf256Characters":     func(in *sesv2.SendEmailInput) { in.EmailTags[0].Value = aws.String(strings.Repeat("a", 256)) },
		"RecipientsOfTheMessage": func(in *sesv2.SendEmailInput) { in.Destination = nil },
		"SenderOfTheMessage":     func(in *sesv2.SendEmailInput) { in.FromEmailAddress = nil },
	} {
		t.Run(name, func(t *testing.T) {
			in := message(plainMail)
			change(in)
			if _, err := c.SendEmail(t.Context(), in); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestInjectedSESFailures(t *testing.T) {
	r, c := openSES(t, t.TempDir())
	send := func() error {
		_, err := sendMail(t.Context(), c, plainMail)
		return err
	}
	wantMails := func(t *testing.T, kept int) {
		t.Helper()
		if got := len(r.Mails()); got != kept {
			t.Errorf("%d mails were stored, not %d", got, kept)
		}
	}

	t.Run("Throttle", func(t *testing.T) {
		r.InjectFailures(local.FailThrottle, 2)
		for range 2 {
			var throttled *types.TooManyRequestsException
			err := send()
			if !errors.As(err, &throttled) || throttled.ErrorMessage() != "Maximum sending rate exceeded." {
				t.Errorf("got %v", err)
			}
		}
		if err := send(); err != nil {
			t.Errorf("the third: %v", err)
		}
		wantMails(t, 1)
	})
	t.Run("Reject", func(t *testing.T) {
		r.InjectFailures(local.FailReject, 1)
		var rejected *types.MessageRejected
		if err := send(); !errors.As(err, &rejected) {
			t.Errorf("got %v", err)
		}
		wantMails(t, 1)
	})
	for mode, code := range map[local.FailureMode]string{
		local.FailNotVerified: "MessageRejected", local.FailAccessDenied: "AccessDeniedException",
		local.FailPaused: "SendingPausedException", local.FailQuota: "TooManyRequestsException",
	} {
		t.Run(string(mode), func(t *testing.T) {
			r.InjectFailures(mode, 1)
			var api smithy.APIError
			if err := send(); !errors.As(err, &api) || api.ErrorCode() != code {
				t.Errorf("got %v", err)
			}
			wantMails(t, 1)
		})
	}
	t.Run("TimeoutAfterAccept", func(t *testing.T) {
		r.InjectFailures(local.FailTimeoutAfterAccept, 1)
		err := send()
		var api smithy.APIError
		if err == nil || errors.As(err, &api) {
			t.Errorf("got an answer: %v", err)
		}
		wantMails(t, 2)
	})
	t.Run("Off", func(t *testing.T) {
		r.InjectFailures(local.FailReject, 5)
		r.InjectFailures(local.FailOff, 0)
		if err := send(); err != nil {
			t.Error(err)
		}
		wantMails(t, 3)
	})
}

func TestSESOnlyKnowsSendEmail(t *testing.T) {
	_, c := openSES(t, t.TempDir())
	_, err := c.GetAccount(t.Context(), &sesv2.GetAccountInput{})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "NotFoundException" {
		t.Errorf("got %v", err)
	}
}

// TestSendEventIsPublishedAtLeastOnce: also after feedback or the process has failed.
func TestSendEventIsPublishedAtLeastOnce(t *testing.T) {
	folder := t.TempDir()
	r, c := openSES(t, folder)
	id, err := sendMail(t.Context(), c, plainMail)
	if err != nil {
		t.Fatal(err)
	}
	published(t, r, func(json.RawMessage) error { return nil }, 1)

	t.Run("RepeatedUntilFeedbackSucceeds", func(t *testing.T) {
		folder := t.TempDir()
		_, c := openSES(t, folder)
		if _, err := sendMail(t.Context(), c, plainMail); err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			r, err := local.OpenSESServer(folder, account, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			began, tries := time.Now(), 0
			published(t, r, func(json.RawMessage) error {
				if tries++; tries < 4 {
					return errors.New("the table is down")
				}
				return nil
			}, 4)
			// At once, again because opening the folder signals, then after 2 and 4 seconds.
			if took := time.Since(began); took != 6*time.Second {
				t.Errorf("after %s", took)
			}
		})
	})
	t.Run("NotAgainAfterARestart", func(t *testing.T) {
		r, c := openSES(t, folder)
		second, err := sendMail(t.Context(), c, plainMail)
		if err != nil {
			t.Fatal(err)
		}
		for _, event := range published(t, r, func(json.RawMessage) error { return nil }, 1) {
			if strings.Contains(string(event), id) || !strings.Contains(string(event), second) {
				t.Errorf("got %s", event)
			}
		}
	})
	t.Run("AfterARestartIfItWasNotBefore", func(t *testing.T) {
		_, c := openSES(t, folder)
		third, err := sendMail(t.Context(), c, plainMail)
		if err != nil {
			t.Fatal(err)
		}
		r, _ := openSES(t, folder)
		for _, event := range published(t, r, func(json.RawMessage) error { return nil }, 1) {
			if !strings.Contains(string(event), third) {
				t.Errorf("got %s", event)
			}
		}
	})
}

// published runs the publisher until n events are published.
func published(t *testing.T, r *local.SESServer, feedback func(json.RawMessage) error, n int) []json.RawMessage {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var mu sync.Mutex
	var events []json.RawMessage
	r.RunPublisher(ctx, func(_ context.Context, event json.RawMessage) error {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, event)
		if len(events) == n {
			cancel()
		}
		return feedback(event)
	})
	if len(events) != n {
		t.Fatalf("%d events, not %d", len(events), n)
	}
	return events
}

// TestErasedMailLeavesTheDisk: mails to an erased person at once, and their receipt when its Send event is published.
func TestErasedMailLeavesTheDisk(t *testing.T) {
	folder := t.TempDir()
	r, c := openSES(t, folder)
	send := func(kind, delivery string) string {
		m := message(plainMail)
		m.EmailTags = []types.MessageTag{
			{Name: aws.String("kind"), Value: &kind}, {Name: aws.String("delivery"), Value: &delivery},
		}
		out, err := c.SendEmail(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		return aws.ToString(out.MessageId)
	}
	erased, other := send(
		"confirmation", "event_person_confirmation_1",
	), send("confirmation", "event_other_confirmation_1")
	receipt := send("erased", "event_person_erased_2")
	if err := r.DeleteMailsTo("event_person_"); err != nil {
		t.Fatal(err)
	}
	wantFiles := func(ids ...string) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(folder, "*"))
		if err != nil || len(files) != len(ids) {
			t.Errorf("%v, %v", files, err)
		}
		for i, id := range ids {
			if !strings.Contains(files[i], id) {
				t.Errorf("%s is not %s", files[i], id)
			}
		}
	}
	wantFiles(other, receipt)
	ignore := func(context.Context, json.RawMessage) error { return nil }
	if err := r.PublishSendEvents(t.Context(), ignore); err != nil {
		t.Fatal(err)
	}
	wantFiles(other)
	for _, id := range []string{erased, receipt} {
		if raw, err := r.Raw(id); err != nil || string(raw) != plainMail {
			t.Errorf("%s cannot be read any more: %v", id, err)
		}
	}
	if r, _ = openSES(t, folder); len(r.Mails()) != 1 {
		t.Errorf("%d mails after a restart", len(r.Mails()))
	}
}

func TestSendEventHasTheFieldsOfSES(t *testing.T) {
	r, c := openSES(t, t.TempDir())
	id, err := sendMail(t.Context(), c, plainMail)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	event := published(t, r, func(json.RawMessage) error { return nil }, 1)[0]
	if err := json.Unmarshal(event, &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "id") // random
	want := map[string]any{
		"version": "0", "detail-type": "Email Sent", "source": "aws.ses", "account": "000000000000", "region": "local",
		"time":      "2026-11-30T12:00:00Z",
		"resources": []any{"arn:aws:ses:local:000000000000:configuration-set/deltag"},
		"detail": map[string]any{
			"eventType": "Send", "send": map[string]any{},
			"mail": map[string]any{
				"timestamp": "2026-11-30T12:00:00.000Z", "source": "deltag@example.dk",
				"sendingAccountId": "000000000000", "messageId": id,
				"destination": []any{"anna@example.dk"}, "headersTruncated": false,
				"headers": []any{
					map[string]any{"name": "From", "value": "deltag@example.dk"},
					map[string]any{"name": "Subject", "value": "Hello"},
					map[string]any{"name": "To", "value": "anna@example.dk"},
				},
				"commonHeaders": map[string]any{
					"from": []any{"deltag@example.dk"}, "to": []any{"anna@example.dk"}, "messageId": id,
					"subject": "Hello",
				},
				"tags": map[string]any{"kind": []any{"confirmation"}, "ses:configuration-set": []any{"deltag"}},
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestConcurrentMailsAreAllStored(t *testing.T) {
	const senders, each = 8, 10
	r, c := openSES(t, t.TempDir())
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for n := range each {
				raw := strings.Replace(plainMail, "Hello", fmt.Sprint(s, "-", n), 1)
				if _, err := sendMail(t.Context(), c, raw); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	mails := r.Mails()
	seen := map[string]bool{}
	for _, m := range mails {
		seen[m.Subject] = true
	}
	sorted := slices.IsSortedFunc(mails, func(a, b local.Mail) int { return strings.Compare(a.ID, b.ID) })
	if len(seen) != senders*each || !sorted {
		t.Errorf("%d mails of %d, or out of order", len(seen), senders*each)
	}
}

func FuzzMail(f *testing.F) {
	raw, err := os.ReadFile(filepath.Join("testdata", "invitation.eml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(plainMail))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := local.ReadMail(raw)
		if err != nil {
			return
		}
		m.Attachments = nil // not part of the JSON
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var again local.Mail
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, again); diff != "" {
			t.Error(diff)
		}
	})
}
