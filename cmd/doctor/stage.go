package main

import (
	"fmt"

	"github.com/BurntSushi/toml"
)

// A stage is what samconfig.toml says about one.
type stage struct {
	Name   string `toml:"-"`
	Stack  string `toml:"stack_name"`
	Region string `toml:"region"`
}

func readStage(file, name string) (stage, error) {
	type section struct {
		Deploy struct{ Parameters stage }
	}
	var c struct{ Dev, Prod section }
	if _, err := toml.DecodeFile(file, &c); err != nil {
		return stage{}, err
	}
	s := map[string]stage{"dev": c.Dev.Deploy.Parameters, "prod": c.Prod.Deploy.Parameters}[name]
	if s.Name = name; s.Stack == "" || s.Region == "" {
		return s, fmt.Errorf("-stage is %q: it has to be dev or prod, with a stack_name and a region in %s", name, file)
	}
	return s, nil
}
