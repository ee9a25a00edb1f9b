package dynamo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"deltag/internal/deltag"
)

// Attendees lists one of the deltag.AttendeeParts of an event's registrations, from 0, in the order of their ids. Its
// shards are read at once.
// Errors: UnreadableError, when one of them can't be decoded.
func (s *Store) Attendees(ctx context.Context, eventID string, part int) ([]deltag.Attendee, error) {
	const width = shards / deltag.AttendeeParts
	var queries []query
	for shard := part * width; shard < (part+1)*width; shard++ {
		queries = append(queries, inShards(eventID, registrationSK).of(shard))
	}
	ofShards, err := inParallel(queries, func(q query) ([]deltag.Attendee, error) { return s.readAttendees(ctx, q) })
	return slices.Concat(ofShards...), err
}

func (s *Store) readAttendees(ctx context.Context, q query) (all []deltag.Attendee, err error) {
	for {
		var page attendeePage
		out, err := s.queryPage(ctx, q, page.takeItems)
		if err == nil {
			err = page.unreadable.Err()
		}
		if err != nil {
			return nil, err
		}
		all = append(all, page.attendees...)
		if q.after = out.LastEvaluatedKey; len(q.after) == 0 {
			return all, nil
		}
	}
}

// An attendeePage takes the items out of a query's answer before the SDK decodes it. The SDK makes a value of its own
// of every attribute of every item: for 100,000 registrations that takes many times as long, and docs/scaling.md has
// the figures.
type attendeePage struct {
	attendees  []deltag.Attendee
	unreadable deltag.UnreadableError
}

// takeItems is an option of a query.
func (p *attendeePage) takeItems(o *dynamodb.Options) {
	take := middleware.DeserializeMiddlewareFunc("TakeAttendees", p.handleDeserialize)
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Deserialize.Insert(take, "OperationDeserializer", middleware.After)
	})
}

// handleDeserialize is called once for each attempt. It leaves errors, and all but the items, to the SDK.
func (p *attendeePage) handleDeserialize(
	ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
) (middleware.DeserializeOutput, middleware.Metadata, error) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	res, ok := out.RawResponse.(*smithyhttp.Response)
	if err != nil || !ok || res.StatusCode != http.StatusOK {
		return out, metadata, err
	}
	var body bytes.Buffer
	body.Grow(int(max(0, res.ContentLength)) + bytes.MinRead)
	_, err = body.ReadFrom(res.Body)
	if closeErr := res.Body.Close(); res.Header.Get("X-Amz-Crc32") != "" { // it compares the checksum
		err = errors.Join(err, closeErr)
	}
	if err != nil {
		return out, metadata, err
	}
	rest, err := p.read(body.Bytes())
	res.Body = io.NopCloser(bytes.NewReader(rest))
	return out, metadata, err
}

// read reads the items of an answer, and returns an answer without them.
func (p *attendeePage) read(body []byte) (rest []byte, err error) {
	*p = attendeePage{}
	rest = []byte("{}")
	r := &jsonReader{data: body}
	for r.begin('{'); r.more('}'); {
		switch string(r.name()) {
		case "Items":
			for r.begin('['); r.more(']'); {
				p.add(readAttendee(r))
			}
		case "LastEvaluatedKey":
			r.next()
			start := r.at
			r.skip()
			rest = fmt.Appendf(nil, `{"LastEvaluatedKey":%s}`, body[start:r.at])
		default:
			r.skip()
		}
	}
	if r.err != nil {
		return nil, fmt.Errorf("page of registrations: %w", r.err)
	}
	return rest, nil
}

func (p *attendeePage) add(a deltag.Attendee, err error) {
	if err != nil {
		p.unreadable = append(p.unreadable, err)
		return
	}
	p.attendees = append(p.attendees, a)
}

var addressStatuses = []deltag.AddressStatus{
	deltag.AddressOK, deltag.AddressBounced, deltag.AddressComplained, deltag.AddressUnsubscribed,
}

// readAttendee reads a registrationItem in DynamoDB's JSON.
func readAttendee(r *jsonReader) (a deltag.Attendee, err error) {
	var sk, registeredAt, attendedAt string
	for r.begin('{'); r.more('}'); {
		switch string(r.name()) {
		case "SK":
			sk = readText(r)
		case "ID":
			a.ID = readText(r)
		case "Name":
			a.Name = readText(r)
		case "Email":
			a.Email = readText(r)
		case "Organisation":
			a.Organisation = readText(r)
		case "JobTitle":
			a.JobTitle = readText(r)
		case "Answers":
			a.Answers = readAnswers(r)
		case "AllowsNews":
			a.AllowsNews = readBool(r)
		case "AsksForNews":
			a.AsksForNews = readBool(r)
		case "Status":
			a.Status = readWord(r, deltag.RegistrationStatuses)
		case "RegisteredAt":
			registeredAt = readText(r)
		case "AttendedAt":
			attendedAt = readText(r)
		case "AddressStatus":
			a.AddressStatus = readWord(r, addressStatuses)
		default:
			r.skip()
		}
	}
	var attendedErr error
	a.RegisteredAt, err = parseTime(registeredAt)
	a.AttendedAt, attendedErr = parseTime(attendedAt)
	if a.ID == "" || a.Email == "" || a.Status == "" || registeredAt == "" {
		err = errors.Join(err, errors.New("not a registration of a known version"))
	}
	if err = errors.Join(err, attendedErr); err != nil {
		err = fmt.Errorf("item %s: %w", sk, err)
	}
	return a, err
}

// readValue calls read for the value of an attribute of a type, as in {"S":"…"}, and passes over any other type.
func readValue(r *jsonReader, typ string, read func()) {
	for r.begin('{'); r.more('}'); {
		if string(r.name()) == typ {
			read()
		} else {
			r.skip()
		}
	}
}

// readText reads a text. Any other type is "".
func readText(r *jsonReader) (s string) {
	for r.begin('{'); r.more('}'); { // as readValue, whose function would be a value on the heap
		if string(r.name()) == "S" {
			s = r.text()
		} else {
			r.skip()
		}
	}
	return s
}

// readWord reads a text that is one of a few words, without making another copy of it.
func readWord[T ~string](r *jsonReader, words []T) (s T) {
	for r.begin('{'); r.more('}'); {
		if string(r.name()) != "S" {
			r.skip()
			continue
		}
		r.next()
		start := *r
		quoted := r.quoted()
		i := slices.IndexFunc(words, func(w T) bool { return len(quoted) > 1 && string(quoted[1:len(quoted)-1]) == string(w) })
		if i >= 0 {
			s = words[i]
		} else if r.err == nil {
			*r = start
			s = T(r.text())
		}
	}
	return s
}

// readBool reads a boolean. Any other type is false.
func readBool(r *jsonReader) (yes bool) {
	for r.begin('{'); r.more('}'); {
		yes = string(r.name()) == "BOOL" && r.next() == 't'
		r.skip()
	}
	return yes
}

// readAnswers reads a map of lists of texts.
func readAnswers(r *jsonReader) map[string][]string {
	answers := map[string][]string{}
	readValue(r, "M", func() {
		for r.begin('{'); r.more('}'); {
			id := string(r.name())
			answers[id] = readTexts(r)
		}
	})
	return answers
}

// readTexts reads a list of texts.
func readTexts(r *jsonReader) (all []string) {
	readValue(r, "L", func() {
		for r.begin('['); r.more(']'); {
			all = append(all, readText(r))
		}
	})
	return all
}
