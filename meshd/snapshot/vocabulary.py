"""What of Envoy's configuration meshd does not read, and what that means: each with its reason."""

LATER_TLS = "mutual TLS within the mesh comes with identity; meshd cannot serve this without it"

HARMLESS: dict[str, dict[str, str]] = {
    "Bootstrap": {
        "node": "who Envoy tells a control plane that it is",
        "layeredRuntime": "switches of Envoy's own",
        "runtime": "switches of Envoy's own",
        "statsConfig": "names of statistics",
        "statsSinks": "where Envoy's statistics go; meshd serves its own",
        "statsFlushInterval": "how often they go there",
        "statsFlushOnAdmin": "when they go there",
        "flagsPath": "a file of Envoy's own",
        "watchdog": "how Envoy watches its threads",
        "watchdogs": "how Envoy watches its threads",
        "headerPrefix": "x-envoy unless it is said otherwise, and that is refused elsewhere",
        "dynamicResources": "what a control plane would bring is not in a file; what asks for it is told of where it stands",
        "clusterManager": "settings of connections to a control plane",
        "fatalActions": "what Envoy does when it crashes",
        "defaultSocketInterface": "how Envoy opens sockets",
        "enableDispatcherStats": "statistics of Envoy's threads",
        "useTcpForDnsLookups": "names are looked up as the machine does: /etc/hosts, then resolv.conf",
        "dnsResolutionConfig": "names are looked up as the machine does: /etc/hosts, then resolv.conf",
        "typedDnsResolverConfig": "names are looked up as the machine does: /etc/hosts, then resolv.conf",
        "bootstrapExtensions": "parts of Envoy's own process",
    },
    "Lists": {
        "problems": "what meshctl said of the configuration that it compiled",
        "secrets": "certificates as they were; they are read from their files",
    },
    "Admin": {
        "accessLogPath": "the admin pages log nothing",
        "accessLog": "the admin pages log nothing",
        "profilePath": "a file of Envoy's own",
    },
    "Listener": {
        "statPrefix": "a name in statistics",
        "maxConnectionsToAcceptPerSocketEvent": "meshd takes connections fairly by itself",
        "enableReusePort": "meshd always shares ports among its workers",
        "reusePort": "meshd always shares ports among its workers",
        "connectionBalanceConfig": "the kernel spreads connections over workers",
        "tcpBacklogSize": "meshd has a queue of its own size",
        "drainType": "connections are drained one way",
        "metadata": "for telemetry",
        "bypassOverloadManager": "there is none",
    },
    "FilterChain": {
        "metadata": "where Istio made it from",
    },
    "DownstreamTlsContext": {
        "sessionTimeout": "how long a session may be taken up again",
        "disableStatelessSessionResumption": "sessions are taken up again as OpenSSL has it",
        "disableStatefulSessionResumption": "sessions are taken up again as OpenSSL has it",
        "preferClientCiphers": "the server's order counts",
    },
    "UpstreamTlsContext": {"maxSessionKeys": "sessions are not taken up again"},
    "OriginalDst": {},
    "TlsInspector": {
        "initialReadBufferSize": "the kernel holds the bytes that are peeked at",
        "enableJa3Fingerprinting": "for telemetry",
        "enableJa4Fingerprinting": "for telemetry",
    },
    "HttpConnectionManager": {
        "statPrefix": "a name in statistics",
        "requestIdExtension": "ids are random UUIDs; trace decisions are not packed into them",
        "accessLogOptions": "when lines are flushed",
        "rds.configSource": "routes come with the file",
        "tracing.clientSampling": "there are no traces yet; a provider of them is told of",
        "tracing.randomSampling": "there are no traces yet; a provider of them is told of",
        "tracing.overallSampling": "there are no traces yet; a provider of them is told of",
        "tracing.customTags": "there are no traces yet; a provider of them is told of",
        "tracing.maxPathTagLength": "there are no traces yet; a provider of them is told of",
        "tracing.verbose": "there are no traces yet; a provider of them is told of",
    },
    "TcpProxy": {
        "statPrefix": "a name in statistics",
        "accessLogOptions": "when lines are flushed",
    },
    "GrpcStats": {
        "emitFilterState": "statistics",
        "statsForAllMethods": "statistics",
        "individualMethodStatsAllowlist": "statistics",
        "enableUpstreamStats": "statistics",
        "replaceDotsInGrpcServiceName": "statistics",
    },
    "Router": {
        "dynamicStats": "statistics",
        "startChildSpan": "there are no traces yet",
        "suppressGrpcRequestFailureCodeStats": "statistics",
    },
    "AccessLog": {"typedConfig.logFormat.jsonFormatOptions": "keys are always in order"},
    "Fault": {
        "disableDownstreamClusterStats": "statistics",
        "delay.type": "there is one type",
        "delayPercentRuntime": "a switch of Envoy's own",
        "abortPercentRuntime": "a switch of Envoy's own",
        "delayDurationRuntime": "a switch of Envoy's own",
        "abortHttpStatusRuntime": "a switch of Envoy's own",
        "abortGrpcStatusRuntime": "a switch of Envoy's own",
    },
    "LocalRateLimit": {
        "filterEnabled.runtimeKey": "a switch of Envoy's own",
        "filterEnforced.runtimeKey": "a switch of Envoy's own",
        "stage": "which descriptors count; those are refused elsewhere",
        "vhRateLimits": "which descriptors count; those are refused elsewhere",
        "alwaysConsumeDefaultTokenBucket": "there is no other bucket",
        "maxDynamicDescriptors": "there are no descriptors",
    },
    "CorsPolicy": {
        "filterEnabled.runtimeKey": "a switch of Envoy's own",
        "shadowEnabled": "statistics",
    },
    "RouteConfiguration": {
        "validateClusters": "a route to an absent cluster is served, with 503",
        "maxDirectResponseBodySizeBytes": "a body that stands in the file is taken as it is",
    },
    "VirtualHost": {"statPrefix": "a name in statistics", "virtualClusters": "statistics", "metadata": "where Istio made it from"},
    "Route": {
        "metadata": "where Istio made it from",
        "statPrefix": "a name in statistics",
        "decorator.propagate": "there are no traces yet",
    },
    "RouteAction": {
        "weightedClusters.runtimeKeyPrefix": "switches of Envoy's own",
        "weightedClusters.totalWeight": "the sum of the weights, which counts",
        "includeVhRateLimits": "rate limits are told of where they stand",
    },
    "WeightedCluster": {"metadataMatch": "endpoints have no subsets by metadata", "runtimeKey": "a switch of Envoy's own"},
    "Cluster": {
        "altStatName": "a name in statistics",
        "metadata": "where Istio made it from",
        "filters": "of Istio's, for telemetry; others are told of where they stand",
        "cleanupInterval": "how long an original destination is remembered; meshd looks when it connects",
        "dnsFailureRefreshRate": "names without an answer are looked up again after a second, then ever more seldom up to dnsRefreshRate",
        "dnsJitter": "names are looked up when their time is over",
        "dnsResolvers": "names are looked up as the machine does: /etc/hosts, then resolv.conf",
        "dnsResolutionConfig": "names are looked up as the machine does: /etc/hosts, then resolv.conf",
        "typedDnsResolverConfig": "names are looked up as the machine does: /etc/hosts, then resolv.conf",
        "useTcpForDnsLookups": "names are looked up as the machine does: /etc/hosts, then resolv.conf",
        "waitForWarmOnInit": "nothing is waited for",
        "trackTimeoutBudgets": "statistics",
        "trackClusterStats": "statistics",
        "edsClusterConfig.edsConfig": "endpoints come with the file",
        "upstreamBindConfig.sourceAddress.portValue": "the kernel chooses the port",
        "commonLbConfig.closeConnectionsOnHostSetChange": "connections to endpoints that are gone are always closed",
        "commonLbConfig.updateMergeWindow": "a file has no updates",
        "ignoreHealthOnHostRemoval": "a file has no updates",
    },
    "OutlierDetection": {
        "enforcingSuccessRate": "ejecting by success rate is Envoy's only when there are many endpoints and requests; Istio switches it off",
        "successRateMinimumHosts": "as enforcingSuccessRate",
        "successRateRequestVolume": "as enforcingSuccessRate",
        "successRateStdevFactor": "as enforcingSuccessRate",
        "maxEjectionTimeJitter": "ejections end to the interval",
    },
    "SlowStart": {"aggression.runtimeKey": "a switch of Envoy's own"},
    "Thresholds": {"trackRemaining": "statistics", "priority": "requests all have the default priority"},
    "Endpoint": {
        "metadata": "for telemetry, and to pick TLS",
        "endpoint.healthCheckConfig": "health checks are told of where they stand",
    },
    "ClusterLoadAssignment": {"policy.endpointStaleAfter": "a file has no updates"},
}
"""Fields by message that change nothing of what meshd does when they are left out."""

LEFT_OUT: dict[str, dict[str, str]] = {
    "Bootstrap": {
        "defaultRegexEngine": "expected RE2, Envoy's default",
    },
    "Listener": {
        "filterChainMatcher": "expected filter chains with a match of their own",
        "udpListenerConfig": "expected a TCP listener",
        "apiListener": "expected a listener with an address",
        "internalListener": "expected a listener with an address",
        "listenerFiltersMatcher": "expected listener filters without a matcher",
    },
    "HttpConnectionManager": {
        "scopedRoutes": "expected routeConfig or rds",
        "localReplyConfig": "expected Envoy's own local replies",
        "pathNormalizationOptions": "expected normalizePath",
        "schemeHeaderTransformation": "expected the scheme as it came",
        "originalIpDetectionExtensions": "expected useRemoteAddress and xffNumTrustedHops",
        "earlyHeaderMutationExtensions": "expected headers as they came",
        "typedHeaderValidationConfig": "expected Envoy's default checks of headers",
    },
    "TcpProxy": {
        "metadataMatch": "expected no subsets of endpoints",
        "clusterSpecifier": "expected cluster or weightedClusters",
        "onDemand": "expected clusters of the file",
    },
    "RouteAction": {
        "clusterHeader": "expected cluster or weightedClusters",
        "clusterSpecifierPlugin": "expected cluster or weightedClusters",
        "inlineClusterSpecifierPlugin": "expected cluster or weightedClusters",
        "metadataMatch": "expected no subsets of endpoints",
        "internalRedirectPolicy": "expected redirects to go to the client",
        "pathRewritePolicy": "expected prefixRewrite or regexRewrite",
    },
    "Fault": {
        "upstreamCluster": "expected faults whatever the cluster",
        "downstreamNodes": "expected faults whoever asks",
        "filterMetadata": "expected faults without metadata",
    },
    "LocalRateLimit": {
        "descriptors": "expected one bucket for all requests",
        "localRateLimitPerDownstreamConnection": "expected one bucket for all connections",
        "localClusterRateLimit": "expected a bucket of this proxy alone",
        "rateLimits": "expected one bucket for all requests",
    },
    "Cluster": {
        "clusterType": "expected one of the types STATIC, STRICT_DNS, LOGICAL_DNS, EDS, ORIGINAL_DST",
        "transportSocketMatcher": LATER_TLS,
        "lbSubsetConfig": "expected no subsets of endpoints",
    },
}
"""Fields by message without which it would mean something else: what has one is left out. Reasons are told after the field."""

ONLY: dict[str, dict[str, tuple[object, ...]]] = {
    "SocketAddress": {"socketAddress.protocol": ("TCP",)},
    "Endpoint": {"endpoint.address.socketAddress.protocol": ("TCP",)},
    "HttpConnectionManager": {"codecType": ("AUTO", "HTTP1")},
    "Listener": {"transparent": (False,)},
}
"""Fields by message of which meshd knows these settings; what has another one is left out."""

NOT_DONE: dict[str, frozenset[str]] = {}
"""Attributes by message that are read and written, and on which no worker acts yet: a file that sets one is told so. They leave as they come."""

WHOLE_OR_NOT = frozenset({
    "SocketAddress", "FilterChainMatch", "OriginalDst", "TlsInspector", "HttpInspector", "RouteMatch", "StringMatch", "HeaderMatch", "QueryMatch",
    "HeaderChange", "HashPolicy", "RegexRewrite", "Redirect", "DirectResponse", "Cors", "FractionalPercent", "UpgradeConfig", "CidrRange",
    "AdditionalAddress", "AccessLogFilter", "Tunneling",
})
"""Messages that are not used unless all of them is read: a condition less would match more."""

HARMLESS_EXTENSIONS: dict[str, str] = {
    "envoy.tcp.metadataexchange.config.MetadataExchange": "Istio's telemetry tells both sides of each other",
    "io.istio.http.peer_metadata.Config": "Istio's telemetry tells both sides of each other",
    "stats.PluginConfig": "Istio's metrics",
    "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig": "what is spoken within TLS, which comes with identity",
    "envoy.extensions.filters.network.mongo_proxy.v3.MongoProxy": "counts queries",
    "envoy.extensions.filters.network.mysql_proxy.v3.MySQLProxy": "counts queries",
    "istio.metadata_exchange": "Istio's telemetry, named only",
    "istio.stats": "Istio's metrics, named only",
    "istio.alpn": "what is spoken within TLS, named only",
}
"""Filters that change nothing of what is forwarded."""
