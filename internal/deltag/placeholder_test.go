package deltag

import "testing"

func TestReplacePlaceholders(t *testing.T) {
	for text, want := range map[string]string{
		"Kære {name}":                       "Kære [name]",
		"{Navn}: {titel} {tidspunkt}{link}": "[name]: [title] [when][link]",
		"{nvan} { name } {{.X}} {{name}} {": "{nvan} { name } {{.X}} {[name]} {",
		"":                                  "",
	} {
		got := ""
		ReplacePlaceholders(text, func(s string) { got += s }, func(p Placeholder) { got += "[" + string(p) + "]" })
		assertEqual(t, got, want)
	}
	assertEqual(t, []bool{HasPlaceholder("Kære {navn}", PlaceholderName), HasPlaceholder("navn", PlaceholderName)},
		[]bool{true, false})
}

func TestCheckPlaceholders(t *testing.T) {
	before := testEvent()
	before.ConfirmationText = "Kære {fornavn}" // from a time when nobody checked it
	after := before
	after.Title = "Et nyt navn"
	assertEqual(t, after.CheckPlaceholders(before), ValidationErrors(nil))
	after.ConfirmationText = "Hej {fornavn}"
	assertEqual(t, after.CheckPlaceholders(before), ValidationErrors{
		{Field: "confirmationText", Code: "unknown-placeholder", Value: "{fornavn}"},
	})
	after.ConfirmationText = "Hej {navn} {name} {{.X}}"
	assertEqual(t, after.CheckPlaceholders(before), ValidationErrors(nil))
	m := before.NewMailing(KindMessage, 1, now, "Hej {navnet}")
	m.Audience = AudienceAll
	assertEqual(t, validationCodes(m.Validate()), []string{"text: unknown-placeholder"})
}
