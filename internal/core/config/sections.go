package config

import "nowcast/internal/core/pyyaml"

// hosts reads run: enabled hosts. Other keys of run, and of each host, belong to the workers.
func (n node) hosts() map[string]Host {
	hosts := map[string]Host{}
	run, ok := n.child("run")
	if _, isMap := run.value.(*pyyaml.Map); ok && !isMap && run.value != nil {
		run.warnf("write enabled hosts below it if workers are to run on other hosts", "is %s, so no other host is known", describe(run.value))
		return hosts
	}
	enabled, _ := run.section("enabled hosts", "")
	keys, nodes := enabled.children()
	for i, c := range nodes {
		name, ok := keys[i].(string)
		if !ok {
			c.errorf("quote it", "is not text, so it cannot be a host's name")
			continue
		}
		h := Host{Name: name}
		switch c.value.(type) {
		case *pyyaml.Map:
			h.EnvVars, _ = c.text("envvars", "")
			h.Python, _ = c.text("python", "")
			h.ConfigFile, _ = c.text("config file", "")
			h.Slots = c.slots()
		case nil:
		default:
			c.errorf("write envvars, python and config file below it", "is %s, not a mapping", describe(c.value))
		}
		hosts[name] = h
	}
	return hosts
}

// slots reads slots of a host, or of run for localhost.
func (n node) slots() int {
	c, ok := n.child("slots")
	if !ok {
		return 0
	}
	return c.count("how many launches run there at once, e.g. slots: 4; without the key there is no limit")
}
