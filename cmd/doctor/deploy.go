package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// A parameter of template.yaml.
type parameter struct {
	Description string  `yaml:"Description"`
	Default     *string `yaml:"Default"` // nil: has to be given
}

// prepareDeploy checks what would make a deployment fail only after some minutes, and writes the parameters for sam deploy
// to a file: the stage, those that are named, whose values are in the environment, and the others as they are in the stack. A
// new stack takes the template's defaults for these. The file is whole, as a function's version depends on all of them.
func (d *doctor) prepareDeploy(
	ctx context.Context, template, file string, given []string, lookupEnv func(string) (string, bool),
) error {
	parameters, err := readParameters(template)
	if err != nil {
		return err
	}
	values := map[string]string{}
	for _, name := range given {
		value, isSet := lookupEnv(name)
		if _, known := parameters[name]; !known || !isSet {
			return fmt.Errorf("%s has no parameter %s: it has %s", template, name, strings.Join(names(parameters), ", "))
		}
		values[name] = value
	}
	if _, ok := parameters["Stage"]; ok {
		values["Stage"] = d.stage.Name // whatever was given
	}
	if !d.checkAccount(ctx) {
		return d.report.conclude()
	}
	s, err := d.describeStack(ctx)
	switch {
	case err != nil:
		d.report.unread("stack", err)
	case isFailedForGood(s.status):
		d.report.lacks("stack", fmt.Sprintf("%s is %s", d.stage.Stack, s.status), d.deleteStack())
	case s.status == "" || s.status == "REVIEW_IN_PROGRESS":
		d.report.ok("stack", "%s will be new in %s", d.stage.Stack, d.stage.Region)
		d.checkFirstParameters(ctx, parameters, values)
	default:
		d.report.ok("stack", "%s is %s; parameters that are not given stay as they are", d.stage.Stack, s.status)
		for name, value := range s.parameters {
			_, isGiven := values[name]
			_, isKnown := parameters[name] // to this version of the template
			if isKnown && !isGiven {
				values[name] = value
			}
		}
	}
	if err := d.report.conclude(); err != nil {
		return err
	}
	text, err := yaml.Marshal(values)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// checkFirstParameters is for a stack that does not exist yet.
func (d *doctor) checkFirstParameters(ctx context.Context, parameters map[string]parameter, values map[string]string) {
	deploy := "make deploy STAGE=" + d.stage.Name
	later := "with this deployment or a later one: " + deploy
	for _, name := range names(parameters) {
		if p := parameters[name]; p.Default == nil && values[name] == "" {
			d.report.lacks(name, "has no value: "+p.Description, "give it with the first deployment, for example\n"+
				deploy+" MailFrom=deltag@example.dk Organisers=anna@example.dk AlarmEmail=operations@example.dk")
		}
	}
	if values["Organisers"] == "" {
		d.report.warning("Organisers", "is empty: nobody can sign in", later+" Organisers=anna@example.dk")
	}
	if values["AlarmEmail"] == "" && d.stage.Name == "prod" {
		d.report.warning("AlarmEmail", "is empty: nobody hears of an alarm", later+" AlarmEmail=operations@example.dk")
	}
	if values["MailFrom"] == "" || values["MailIdentity"] == "existing" {
		return
	}
	name, identity, err := d.findIdentity(ctx, values["MailFrom"])
	switch _, domain, _ := strings.Cut(values["MailFrom"], "@"); {
	case err != nil:
		d.report.unread("identity", err)
	case identity != nil && name == domain:
		d.report.lacks("MailIdentity", "SES knows "+name+" here already, and a stack cannot make it again",
			deploy+" MailIdentity=existing, with the other parameters. The new stack then uses it as it is.")
	default:
		d.report.ok("identity", "%s will be made known to SES", domain)
	}
}

func readParameters(file string) (map[string]parameter, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var template struct {
		Parameters map[string]parameter `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return template.Parameters, nil
}

func names(parameters map[string]parameter) []string { return slices.Sorted(maps.Keys(parameters)) }
