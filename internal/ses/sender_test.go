package ses_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"testing"

	"deltag/internal/config"
	"deltag/internal/deltag"
	"deltag/internal/ses"
)

func sender(endpoint string) *ses.Sender {
	return senderWith(endpoint, ses.NewHTTPClient())
}

func senderWith(endpoint string, httpClient *http.Client) *ses.Sender {
	client := ses.NewClient("eu-north-1", endpoint, config.Credentials(func(string) string { return "" }), httpClient)
	return &ses.Sender{Client: client, From: "deltag@example.dk", ConfigurationSet: "deltag"}
}

var mail = deltag.OutgoingMail{
	To: "anna@example.dk", Raw: []byte("Subject: Hej\r\n\r\nHej\r\n"), Generation: "abcdefgh", Attempt: 2,
	Delivery: deltag.DeliveryKey{
		EventID: "aaaaaaaaaaaaaaaaaaaa", RegistrationID: "bbbbbbbbbbbbbbbbbbbb", Kind: "reminder-P1D", Version: 1,
	},
}

// TestSend: SES's response decides what happens to the mail, which is submitted once in every case.
func TestSend(t *testing.T) {
	for name, c := range map[string]struct {
		status        int
		code, message string
		want          error // nil: none of package deltag
	}{
		"SendingRate":      {400, "ThrottlingException", "Maximum sending rate exceeded.", deltag.ErrThrottled},
		"TooManyRequests":  {429, "TooManyRequestsException", "Too many requests", deltag.ErrThrottled},
		"DailyQuota":       {400, "TooManyRequestsException", "Daily message quota exceeded.", deltag.ErrSendQuotaExceeded},
		"QuotaInPlainText": {400, "Throttling", "Daily message quota exceeded.", deltag.ErrSendQuotaExceeded},
		"Rejected":         {400, "MessageRejected", "Transaction failed: Duplicate header 'To'.", deltag.ErrRejected},
		"TooLarge":         {413, "RequestEntityTooLargeException", "", deltag.ErrRejected},
		"BadRequest":       {400, "BadRequestException", "Local address contains control or whitespace", deltag.ErrRejected},
		"NotVerified": {400, "MessageRejected", "Email address is not verified. The following identities failed the " +
			"check in region EU-NORTH-1: deltag@example.dk", deltag.ErrSendingNotAllowed},
		"Suspended": {400, "MessageRejected", "Sending suspended for this account. For more information, please " +
			"check the inbox of the email address associated with your AWS account.", deltag.ErrSendingNotAllowed},
		"SendingPaused":     {400, "SendingPausedException", "", deltag.ErrSendingNotAllowed},
		"AccountSuspended":  {400, "AccountSuspendedException", "", deltag.ErrSendingNotAllowed},
		"AccessDenied":      {403, "AccessDeniedException", "", deltag.ErrSendingNotAllowed},
		"DomainUnverified":  {400, "MailFromDomainNotVerifiedException", "", deltag.ErrSendingNotAllowed},
		"NoSuchSet":         {404, "NotFoundException", "No such configuration set.", deltag.ErrSendingNotAllowed},
		"AccountLimit":      {400, "LimitExceededException", "", deltag.ErrSendingNotAllowed},
		"BadSignature":      {403, "SignatureDoesNotMatch", "", deltag.ErrSendingNotAllowed},
		"UnknownCodeOf4xx":  {400, "SomethingNewException", "", deltag.ErrSendingNotAllowed},
		"RequestTimeout":    {408, "RequestTimeoutException", "", nil},
		"InternalError":     {500, "InternalServiceErrorException", "", nil},
		"Unavailable":       {503, "ServiceUnavailable", "", nil},
		"UnavailablePaused": {503, "ServiceUnavailable", "Sending paused", nil},
		"Garbage":           {502, "", "<html>", nil},
	} {
		t.Run(name, func(t *testing.T) {
			requests := 0
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				requests++
				w.Header().Set("X-Amzn-Errortype", c.code)
				w.WriteHeader(c.status)
				_, _ = fmt.Fprintf(w, `{"message":%q}`, c.message)
			}))
			defer srv.Close()
			_, err := sender(srv.URL).Send(t.Context(), mail)
			known := []error{
				deltag.ErrThrottled, deltag.ErrSendQuotaExceeded, deltag.ErrRejected, deltag.ErrNotSubmitted,
				deltag.ErrSendingNotAllowed,
			}
			for _, k := range known {
				if errors.Is(err, k) != (k == c.want) {
					t.Errorf("%v, want %v", err, c.want)
				}
			}
			if err == nil || requests != 1 {
				t.Errorf("%v after %d requests", err, requests)
			}
		})
	}
	t.Run("NothingIsSubmittedWithoutAConnection", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		endpoint := "http://" + l.Addr().String()
		_ = l.Close()
		if _, err := sender(endpoint).Send(t.Context(), mail); !errors.Is(err, deltag.ErrNotSubmitted) {
			t.Errorf("%v", err)
		}
	})
	t.Run("ABrokenConnectionMayHaveSubmittedIt", func(t *testing.T) {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_ = conn.(*net.TCPConn).SetLinger(0) // the client sees a reset
				_ = conn.Close()
			}
		}))
		defer srv.Close()
		if _, err := sender(srv.URL).Send(t.Context(), mail); err == nil || errors.Is(err, deltag.ErrNotSubmitted) {
			t.Errorf("%v", err)
		}
	})
}

// TestTags: SES repeats the tags in its events, which are matched to a delivery by them. They have no personal data.
func TestTags(t *testing.T) {
	var got struct {
		EmailTags            []struct{ Name, Value string }
		ConfigurationSetName string
		Destination          struct{ ToAddresses []string }
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		_, _ = w.Write([]byte(`{"MessageId":"ses-1"}`))
	}))
	defer srv.Close()
	id, err := sender(srv.URL).Send(t.Context(), mail)
	if err != nil || id != "ses-1" {
		t.Fatal(id, err)
	}
	tags := map[string]string{}
	for _, tag := range got.EmailTags {
		tags[tag.Name] = tag.Value
	}
	key, generation, err := deltag.ParseMailTag(tags["delivery"])
	if err != nil || key != mail.Delivery || generation != mail.Generation {
		t.Errorf("%v %q %v", key, generation, err)
	}
	if len(tags) != 3 || tags["kind"] != "reminder-P1D" || tags["attempt"] != "2" {
		t.Errorf("tags %v", tags)
	}
	to := got.Destination.ToAddresses
	if len(to) != 1 || to[0] != mail.To || got.ConfigurationSetName != "deltag" {
		t.Errorf("%+v", got)
	}
}

// TestIdleConnections: they are kept for the next mail, and closed before a function is frozen.
func TestIdleConnections(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	client := ses.NewHTTPClient()
	get := func(wantReused bool) {
		t.Helper()
		trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
			if c.Reused != wantReused {
				t.Errorf("reused %v, want %v", c.Reused, wantReused)
			}
		}}
		r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodGet, srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	get(false)
	get(true)
	client.CloseIdleConnections()
	get(false)
}
