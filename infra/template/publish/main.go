// Command publish writes the published template, the zip files of the functions and their
// checksums into a folder: publish -out DIR. It uses the settings of cdk.json in the
// current folder.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/config"
	"github.com/resolverwatch/resolverwatch/infra/template"
)

func main() {
	log.SetFlags(0)
	out := flag.String("out", "dist", "folder for the template and the zip files")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}

	err := run(*out)
	jsii.Close()
	if err != nil {
		log.Fatalf("template: %v", err)
	}
}

func run(out string) error {
	text, err := os.ReadFile("cdk.json")
	if err != nil {
		return fmt.Errorf("%w: run it in the folder that contains cdk.json", err)
	}
	var cdk struct{ Context map[string]any }
	if err := json.Unmarshal(text, &cdk); err != nil {
		return fmt.Errorf("reading cdk.json: %w", err)
	}
	deployment, err := config.Decode(cdk.Context)
	if err != nil {
		return err
	}
	if names := template.LeftOut(deployment); len(names) > 0 {
		log.Printf("not in the template, because each deployment has its own: %s", strings.Join(names, ", "))
	}

	bundle, err := template.Build(cdk.Context)
	if err != nil {
		return err
	}
	if err := bundle.Write(out); err != nil {
		return err
	}
	for _, name := range bundle.Names() {
		fmt.Printf("%9d bytes  %s/%s\n", len(bundle[name]), out, name)
	}
	return nil
}
