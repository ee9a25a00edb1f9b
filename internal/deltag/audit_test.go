package deltag

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

// TestChangedFields changes one field of an event after the other, so that a new one is named or known to be internal.
func TestChangedFields(t *testing.T) {
	internal := []string{
		"ID", "Secret", "HasSeatCounter", "Revision", "ScheduleVersion", "ICalSequence", "CalendarChangedAt",
		"LatestNotice", "CreatedAt", "UpdatedAt",
	}
	named := map[string]bool{}
	check := func(field string, change func(e reflect.Value)) {
		t.Helper()
		var changed Event
		change(reflect.ValueOf(&changed).Elem())
		names := Event{}.ChangedFields(changed)
		switch isInternal := slices.Contains(internal, field); {
		case isInternal && len(names) > 0, !isInternal && len(names) != 1:
			t.Errorf("%s: %q", field, names)
		case !isInternal && named[names[0]]:
			t.Errorf("%s has the name of another field, %q", field, names[0])
		case !isInternal:
			named[names[0]] = true
		}
	}
	for f := range reflect.TypeFor[Event]().Fields() {
		if f.Name == "Organiser" {
			for part := range f.Type.Fields() {
				check("Organiser."+part.Name, func(e reflect.Value) { setAny(e.FieldByName("Organiser").FieldByName(part.Name)) })
			}
			continue
		}
		check(f.Name, func(e reflect.Value) { setAny(e.FieldByName(f.Name)) })
	}
}

// setAny sets a field to a value other than zero.
func setAny(v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(1, 0)))
		return
	case Notice:
		v.Set(reflect.ValueOf(Notice{Kind: KindMoved}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	default:
		panic(v.Type())
	}
}
