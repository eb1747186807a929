package python

import (
	"embed"
	"encoding/binary"
	"encoding/json"
)

// scripts are the parts of the program that a helper runs. They share one namespace; the last one has the loop.
//
//go:embed helper/*.py
var scripts embed.FS

var parts = []string{"wire.py", "output.py", "standin.py", "placeholder.py", "modules.py", "results.py", "main.py"}

// bootstrap runs the parts, which come first on the pipe of requests. So they need no file on the disk, and ps shows a short line.
const bootstrap = `import json, struct; requests = open(3, "rb")
for name, text in json.loads(requests.read(*struct.unpack("<I", requests.read(4)))): exec(compile(text, name, "exec"))`

// scriptFrame has the helper's own program.
func scriptFrame() []byte {
	var all [][2]string
	for _, name := range parts {
		text, err := scripts.ReadFile("helper/" + name)
		if err != nil {
			panic(err) // it is embedded
		}
		all = append(all, [2]string{"<nowcast>/" + name, string(text)})
	}
	text, _ := json.Marshal(all) // texts can be encoded
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text...)
}
