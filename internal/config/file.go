package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// readFile applies a TOML file, in which a setting "a.b" is the key b of table
// a. A list stands for its parts with commas between them.
func (c *Config) readFile(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("configuration file: %w", err)
	}
	var tree map[string]any
	if err := toml.Unmarshal(text, &tree); err != nil {
		if bad := new(toml.DecodeError); errors.As(err, &bad) {
			row, column := bad.Position()
			return fmt.Errorf("%s:%d:%d: not TOML: %s", file, row, column, strings.TrimPrefix(bad.Error(), "toml: "))
		}
		return fmt.Errorf("%s: not TOML: %w", file, err)
	}
	return c.readTable(file, "", tree)
}

func (c *Config) readTable(file, prefix string, table map[string]any) error {
	for _, key := range slices.Sorted(maps.Keys(table)) {
		name := prefix + key
		if inner, ok := table[key].(map[string]any); ok && isTable(name) {
			if err := c.readTable(file, name+".", inner); err != nil {
				return err
			}
			continue
		}
		s, ok := find(name)
		if !ok {
			return fmt.Errorf("%s: %s is unknown; allowed: %s", file, name, strings.Join(names(prefix), ", "))
		}
		value, ok := scalar(table[key])
		if !ok {
			return fmt.Errorf("%s: %s has the wrong type; allowed: %s", file, name, s.Allowed)
		}
		if err := c.apply(s, file+": "+name, value); err != nil {
			return err
		}
	}
	return nil
}

// scalar is a TOML value as the environment or the command line would give it.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int64:
		return strconv.FormatInt(v, 10), true
	case bool:
		return strconv.FormatBool(v), true
	case []any:
		var parts []string
		for _, item := range v {
			part, ok := item.(string)
			if !ok {
				return "", false
			}
			parts = append(parts, part)
		}
		return strings.Join(parts, ","), true
	}
	return "", false
}

func isTable(name string) bool {
	return slices.ContainsFunc(settings, func(s Setting) bool { return strings.HasPrefix(s.Name, name+".") })
}

func find(name string) (Setting, bool) {
	i := slices.IndexFunc(settings, func(s Setting) bool { return s.Name == name })
	if i < 0 {
		return Setting{}, false
	}
	return settings[i], true
}

// names lists the settings and tables in the table that prefix, "" or "a.",
// stands for.
func names(prefix string) []string {
	var list []string
	for _, s := range settings {
		if rest, ok := strings.CutPrefix(s.Name, prefix); ok {
			key, _, _ := strings.Cut(rest, ".")
			list = append(list, key)
		}
	}
	return slices.Compact(list)
}
