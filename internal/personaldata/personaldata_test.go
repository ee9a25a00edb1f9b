package personaldata

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"deltag/internal/deltag"
)

// TestEverythingStoredIsExported: each field of a registration, and of a change of address that waits, is in the copy of
// one's data.
func TestEverythingStoredIsExported(t *testing.T) {
	changing := func() deltag.Registration { return deltag.Registration{AddressChange: &deltag.AddressChange{}} }
	for name, c := range map[string]struct {
		of     func(*deltag.Registration) any // a pointer to the struct
		except []string                       // keys, what is never stored, and what the event says
	}{
		"Registration": {
			of:     func(r *deltag.Registration) any { return r },
			except: []string{"EventID", "Secret", "FormerCalendarUID", "AddressChange"},
		},
		"Address":       {of: func(r *deltag.Registration) any { return &r.Email }},
		"AddressChange": {of: func(r *deltag.Registration) any { return r.AddressChange }, except: []string{"Secret"}},
		"Details": {
			of:     func(r *deltag.Registration) any { return &r.AddressChange.Details },
			except: []string{"Network", "ByOrganiser", "Source", "WithoutMail"},
		},
		"NewAddress": {of: func(r *deltag.Registration) any { return &r.AddressChange.Details.Email }},
	} {
		empty := changing()
		fields := reflect.TypeOf(c.of(&empty)).Elem()
		for i := range fields.NumField() {
			field := fields.Field(i).Name
			if slices.Contains(c.except, field) {
				continue
			}
			r := changing()
			fill(t, reflect.ValueOf(c.of(&r)).Elem().Field(i))
			if exported(t, r) == exported(t, empty) {
				t.Errorf("%s.%s is not exported", name, field)
			}
		}
	}
}

func exported(t *testing.T, r deltag.Registration) string {
	t.Helper()
	b, err := json.Marshal(New(deltag.Event{}, &r, nil))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// fill sets a field to anything but its zero value.
func fill(t *testing.T, field reflect.Value) {
	t.Helper()
	switch v := field.Addr().Interface().(type) {
	case *time.Time:
		*v = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
		return
	case *map[string][]string:
		*v = map[string][]string{"kommune": {"Odder"}}
		return
	case *[]string:
		*v = []string{"aaaaaaaaaaaaaaaaaaaa"}
		return
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString("x")
	case reflect.Bool:
		field.SetBool(true)
	case reflect.Int:
		field.SetInt(7)
	case reflect.Struct:
		fill(t, field.Field(0))
	default:
		t.Fatalf("no value for a %s", field.Type())
	}
}
