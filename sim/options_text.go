package sim

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Every option has a name: its path in Options, such as Limits.Tick or Faults.Weight.3.

var durationType = reflect.TypeFor[time.Duration]()

// eachOption visits all options in the order of their declaration.
func (o *Options) eachOption(visit func(name string, v reflect.Value)) {
	visitOptions("", reflect.ValueOf(o).Elem(), visit)
}

func visitOptions(path string, v reflect.Value, visit func(string, reflect.Value)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			visitOptions(path+"."+v.Type().Field(i).Name, v.Field(i), visit)
		}
	case reflect.Array, reflect.Slice:
		for i := range v.Len() {
			visitOptions(path+"."+strconv.Itoa(i), v.Index(i), visit)
		}
	default:
		visit(path[1:], v)
	}
}

// option finds an option by name.
func (o *Options) option(name string) (reflect.Value, bool) {
	v := reflect.ValueOf(o).Elem()
	for part := range strings.SplitSeq(name, ".") {
		switch v.Kind() {
		case reflect.Struct:
			v = v.FieldByName(part)
		case reflect.Array, reflect.Slice:
			i, err := strconv.Atoi(part)
			if v.Kind() == reflect.Slice && i == v.Len() {
				v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
			}
			if err != nil || i < 0 || i >= v.Len() {
				return v, false
			}
			v = v.Index(i)
		default:
			return v, false
		}
		if !v.IsValid() {
			return v, false
		}
	}
	return v, v.Kind() != reflect.Struct && v.Kind() != reflect.Array && v.Kind() != reflect.Slice
}

// optionText is an option's value as a story says it.
func optionText(v reflect.Value) string {
	if v.Type() == durationType {
		return time.Duration(v.Int()).String()
	}
	return fmt.Sprint(v.Interface())
}

// setValue reads an option's value.
func setValue(v reflect.Value, text string) error {
	var err error
	switch {
	case v.Type() == durationType:
		var d time.Duration
		if d, err = time.ParseDuration(text); err == nil {
			v.SetInt(int64(d))
		}
	case v.Kind() == reflect.Bool:
		var b bool
		if b, err = strconv.ParseBool(text); err == nil {
			v.SetBool(b)
		}
	case v.CanInt():
		var n int64
		if n, err = strconv.ParseInt(text, 10, 64); err == nil {
			v.SetInt(n)
		}
	case v.CanUint():
		var n uint64
		if n, err = strconv.ParseUint(text, 10, 64); err == nil {
			v.SetUint(n)
		}
	default:
		err = fmt.Errorf("options are no %v", v.Type())
	}
	return err
}

// Lines are the options lines of a story whose world is made from o. What only says what to draw is left out.
func (o *Options) Lines() []string {
	to := *o
	to.Length, to.Faults, to.Budget = 0, FaultOptions{}, true
	usual := storyOptions()
	was := map[string]string{}
	usual.eachOption(func(name string, v reflect.Value) { was[name] = optionText(v) })
	var lines []string
	group := ""
	to.eachOption(func(name string, v reflect.Value) {
		text := optionText(v)
		if text == was[name] {
			return
		}
		of, _, nested := strings.Cut(name, ".")
		if !nested {
			of = ""
		}
		if len(lines) == 0 || of != group {
			lines, group = append(lines, "options"), of
		}
		lines[len(lines)-1] += " " + name + "=" + text
	})
	return lines
}

// check refuses options that no world can be made from.
func (o *Options) check() error {
	switch {
	case o.Brokers < 1 || o.Shards < 1 || o.Load.Partitions < 1:
		return fmt.Errorf("options: %d brokers of %d shards, and %d partitions: at least 1 of each", o.Brokers, o.Shards, o.Load.Partitions)
	case o.Load.Topics < 1 || o.Load.Topics > len(topicNames):
		return fmt.Errorf("options: %d topics, and there are names for 1 to %d", o.Load.Topics, len(topicNames))
	case o.Disk.Unit != sectorSize && o.Disk.Unit != pageSize:
		return fmt.Errorf("options: a disk's unit is %d or %d bytes, not %d", sectorSize, pageSize, o.Disk.Unit)
	case o.Turn < 1 || o.Disk.Read < 1 || o.Disk.Write < 1 || o.Disk.Sync < 1 || o.Load.Timeout < time.Millisecond || o.Limits.Tick < 1:
		return fmt.Errorf("options: some work would take no time: %v", o)
	}
	return o.Store.Check()
}
