package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	core "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/endpoints/openapi"
	"k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/util/compatibility"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/metrics-server/pkg/api"
	definitions "sigs.k8s.io/metrics-server/pkg/api/generated/openapi"
	"sigs.k8s.io/metrics-server/pkg/scraper/client"
	metrics "sigs.k8s.io/metrics-server/pkg/server"
)

// newMetricsServer is metrics-server on the libraries that all the rest is linked with. Its own main package is for
// other versions of them, and to compile those as well would take five CPU minutes more.
func newMetricsServer() *cobra.Command {
	var kubeconfig string
	var period time.Duration
	serving := options.NewSecureServingOptions()
	command := &cobra.Command{Use: "metrics-server", SilenceUsage: true}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "how to reach the API server")
	command.Flags().DurationVar(&period, "metric-resolution", 15*time.Second, "time between two questions to a kubelet")
	serving.AddFlags(command.Flags())
	command.RunE = func(*cobra.Command, []string) error {
		config, err := serve(serving, kubeconfig)
		if err != nil {
			return err
		}
		rest, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
		if err != nil {
			return fmt.Errorf("--kubeconfig=%s: %w", kubeconfig, err)
		}
		running, err := metrics.Config{
			Apiserver: config,
			Rest:      rest,
			Kubelet: &client.KubeletClientConfig{
				Client:              *rest,
				AddressTypePriority: []core.NodeAddressType{core.NodeInternalIP},
				Scheme:              "https",
				DefaultPort:         10250,
			},
			MetricResolution: period,
			ScrapeTimeout:    period / 2,
		}.Complete()
		if err != nil {
			return err
		}
		return running.RunUntil(server.SetupSignalHandler())
	}
	return command
}

// serve is what an API server that others are aggregated by asks of one that it aggregates.
func serve(serving *options.SecureServingOptions, kubeconfig string) (*server.Config, error) {
	config := server.NewConfig(api.Codecs)
	config.EffectiveVersion = compatibility.DefaultBuildEffectiveVersion()
	names := openapi.NewDefinitionNamer(api.Scheme)
	config.OpenAPIConfig = server.DefaultOpenAPIConfig(definitions.GetOpenAPIDefinitions, names)
	config.OpenAPIV3Config = server.DefaultOpenAPIV3Config(definitions.GetOpenAPIDefinitions, names)

	if err := serving.MaybeDefaultWithSelfSignedCerts("localhost", nil, nil); err != nil {
		return nil, err
	}
	if err := serving.WithLoopback().ApplyTo(&config.SecureServing, &config.LoopbackClientConfig); err != nil {
		return nil, err
	}
	authentication := options.NewDelegatingAuthenticationOptions()
	authentication.RemoteKubeConfigFile = kubeconfig
	if err := authentication.ApplyTo(&config.Authentication, config.SecureServing, nil); err != nil {
		return nil, err
	}
	authorization := options.NewDelegatingAuthorizationOptions()
	authorization.RemoteKubeConfigFile = kubeconfig
	return config, authorization.ApplyTo(&config.Authorization)
}
