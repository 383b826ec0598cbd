"""Istio's networking kinds for tests: whole documents with every field in use, and short ways to read one or hear what is wrong."""

from typing import TypeVar

from meshd.model.world import Resource
from tests.helpers.resources import complaints_of, resources_of

R = TypeVar("R", bound=Resource)


def document(kind: str, spec: str) -> str:
    """Give a document named `web` in the default namespace; a spec on one line stands in line 4."""
    return f"apiVersion: networking.istio.io/v1\nkind: {kind}\nmetadata: {{name: web}}\nspec: {spec}\n"


def read(kind: type[R], spec: str) -> R:
    """Return the resource with a spec that has no error."""
    text = document(kind.__name__, spec)
    assert [] == [line for line in complaints_of(text) if line.startswith("error")]
    [found] = resources_of(text)
    assert isinstance(found, kind)
    return found


def wrong(kind: type[Resource], spec: str) -> list[str]:
    """Return what is wrong with a spec on one line, a line each without the document's own line; the resource is used unless there is an error."""
    text = document(kind.__name__, spec)
    found = complaints_of(text)
    assert any(line.startswith("error") for line in found) != bool(resources_of(text))
    return [line.replace(" 4 ", " ", 1) for line in found]


VIRTUAL_SERVICE = """
  hosts: [web, "*.example.com", 10.0.0.1]
  gateways: [mesh, edge/main]
  exportTo: [., prod]
  http:
  - name: first
    match:
    - name: api
      uri: {prefix: /api}
      ignoreUriCase: true
      scheme: {exact: http}
      method: {regex: GET|HEAD}
      authority: {exact: web}
      headers: {X-User: {exact: jane}, x-any: {}}
      withoutHeaders: {x-bot: {regex: "*"}}
      queryParams: {page: {exact: "1"}}
      port: 80
      sourceLabels: {app: client}
      sourceNamespace: prod
      gateways: [mesh]
    - uri: {exact: ""}
    route:
    - destination: {host: web, subset: v1, port: {number: 8080}}
      weight: 80
      headers: {request: {set: {x-a: "1"}}}
    - destination: {host: web.prod.svc.cluster.local}
      weight: 20
    rewrite: {uri: /v1}
    timeout: 2s
    retries: {attempts: 3, perTryTimeout: 500ms, retryOn: "5xx, 503", retryIgnorePreviousHosts: false, backoff: 10ms}
    fault:
      delay: {fixedDelay: 5s, percentage: {value: 0.5}}
      abort: {httpStatus: 503, percentage: {value: 10}}
    mirrors: [{destination: {host: shadow}, percentage: {value: 12.5}}]
    corsPolicy:
      allowOrigins: [{exact: "https://example.com"}, {regex: "https://.*"}]
      allowMethods: [GET, POST]
      allowHeaders: [x-a]
      exposeHeaders: [x-b]
      maxAge: 24h
      allowCredentials: true
      unmatchedPreflights: IGNORE
    headers:
      request: {set: {":authority": inner2}, add: {x-c: "%REQ(x)%"}, remove: [x-d]}
      response: {set: {x-e: 100%%}, add: {x-f: f}, remove: [server]}
  - redirect: {uri: /new, authority: "new:81", port: 8443, scheme: https, redirectCode: 308}
  - directResponse: {status: 503, body: {string: closed}}
  - delegate: {name: other, namespace: prod}
  tls:
  - match:
    - sniHosts: [web, a.example.com]
      destinationSubnets: [10.0.0.0/8]
      port: 443
      sourceLabels: {app: client}
      sourceNamespace: prod
      gateways: [mesh]
    route: [{destination: {host: web}, weight: 1}, {destination: {host: web2}, weight: 3}]
  tcp:
  - match: [{port: 3306}, {destinationSubnets: [10.0.0.1]}]
    route: [{destination: {host: db}}]
"""

TRAFFIC_POLICY = """
    loadBalancer:
      simple: ROUND_ROBIN
      localityLbSetting:
        enabled: true
        distribute: [{from: eu/*, to: {eu/a/*: 80, us/*: 20}}]
        failoverPriority: [topology.istio.io/network, tier=gold]
      warmup: {duration: 60s, minimumPercent: 5, aggression: 2}
    connectionPool:
      tcp:
        maxConnections: 100
        connectTimeout: 30ms
        tcpKeepalive: {probes: 3, time: 7200s, interval: 75s}
        maxConnectionDuration: 1h
        idleTimeout: 0s
      http:
        http1MaxPendingRequests: 1
        http2MaxRequests: 2
        maxRequestsPerConnection: 3
        maxRetries: 4
        idleTimeout: 5s
        h2UpgradePolicy: DO_NOT_UPGRADE
        useClientProtocol: true
        maxConcurrentStreams: 6
    outlierDetection:
      consecutive5xxErrors: 1
      consecutiveGatewayErrors: 2
      consecutiveLocalOriginFailures: 3
      splitExternalLocalOriginErrors: true
      interval: 4s
      baseEjectionTime: 5s
      maxEjectionPercent: 6
      minHealthPercent: 7
    tls:
      mode: MUTUAL
      clientCertificate: /c.pem
      privateKey: /k.pem
      caCertificates: /ca.pem
      caCrl: /crl.pem
      subjectAltNames: [a]
      sni: web
    tunnel: {protocol: POST, targetHost: proxy.example.com, targetPort: 3128}
    proxyProtocol: {version: V2}
    retryBudget: {percent: 25, minRetryConcurrency: 5}
    portLevelSettings:
    - port: {number: 80}
      loadBalancer:
        consistentHash:
          httpCookie: {name: user, path: /, ttl: 0s, attributes: [{name: SameSite, value: Lax}]}
          maglev: {tableSize: 65537}
      connectionPool: {tcp: {maxConnections: 1}}
      outlierDetection: {consecutive5xxErrors: 0}
      tls: {mode: SIMPLE, credentialName: secret, insecureSkipVerify: true}
"""

DESTINATION_RULE = f"""
  host: Web
  exportTo: ["*"]
  workloadSelector: {{matchLabels: {{app: client}}}}
  trafficPolicy:{TRAFFIC_POLICY}
  subsets:
  - name: v1
    labels: {{version: v1}}
    trafficPolicy: {{loadBalancer: {{consistentHash: {{httpHeaderName: x-user, ringHash: {{minimumRingSize: 7}}}}}}}}
  - name: all
"""

WORKLOAD = """{address: 10.0.0.1, ports: {http: 8080}, labels: {app: web}, network: n1, locality: eu/a/b, weight: 5, serviceAccount: web}"""

SERVICE_ENTRY = f"""
  hosts: [a.example.com, "*.b.example.com"]
  addresses: [192.0.2.1, 192.0.2.128/25]
  ports: [{{number: 80, name: http, protocol: http, targetPort: 8080}}, {{number: 443, name: tls, protocol: TLS}}]
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints: [{WORKLOAD}, {{address: "unix:///run/web.sock"}}]
  exportTo: ["~"]
  subjectAltNames: [spiffe://td/ns/a/sa/b]
"""

WORKLOAD_ENTRY = WORKLOAD

WORKLOAD_GROUP = """
  metadata: {labels: {app: web}, annotations: {note: x}}
  template: {ports: {http: 8080}, serviceAccount: web, network: n1, labels: {app: web}, weight: 1, locality: eu}
  probe:
    initialDelaySeconds: 5
    timeoutSeconds: 3
    periodSeconds: 4
    successThreshold: 2
    failureThreshold: 6
    httpGet: {host: 127.0.0.1, port: 80, path: /healthz, scheme: HTTPS, httpHeaders: [{name: x-a, value: b}]}
"""

GATEWAY = """
  selector: {istio: edge}
  servers:
  - name: plain
    port: {number: 80, name: http, protocol: HTTP}
    hosts: ["*"]
    bind: 192.0.2.1
    tls: {httpsRedirect: true}
  - port: {number: 443, name: https, protocol: https}
    hosts: [./a.example.com, prod/*.example.com]
    tls:
      mode: MUTUAL
      serverCertificate: /c.pem
      privateKey: /k.pem
      caCertificates: /ca.pem
      caCrl: /crl.pem
      subjectAltNames: [client]
      minProtocolVersion: TLSV1_2
      maxProtocolVersion: TLSV1_3
      cipherSuites: [ECDHE-RSA-AES128-GCM-SHA256]
  - port: {number: 8443, name: two, protocol: TLS}
    hosts: ["*"]
    tls: {mode: SIMPLE, tlsCertificates: [{serverCertificate: /c.pem, privateKey: /k.pem}, {serverCertificate: /e.pem, privateKey: /l.pem}]}
  - port: {number: 9443, name: secret, protocol: TLS}
    hosts: ["*"]
    tls: {mode: SIMPLE, credentialName: secret}
"""

SIDECAR = """
  workloadSelector: {labels: {app: web}}
  egress:
  - hosts: [./*, prod/*.example.com]
    port: {number: 8080, name: http, protocol: http}
    bind: 127.0.0.1
    captureMode: NONE
  - hosts: ["*/*", "~prod/web.prod.svc.cluster.local"]
  ingress:
  - port: {number: 80, name: http, protocol: HTTP}
    bind: 10.0.0.1
    captureMode: IPTABLES
    defaultEndpoint: 127.0.0.1:8080
    tls: {mode: SIMPLE, serverCertificate: /c.pem, privateKey: /k.pem}
    connectionPool: {http: {maxRetries: 1}}
  - port: {number: 81}
    defaultEndpoint: unix:///run/web.sock
  inboundConnectionPool: {tcp: {maxConnections: 5}}
  outboundTrafficPolicy: {mode: ALLOW_ANY, egressProxy: {host: out.example.com, port: {number: 443}}}
"""

PROXY_CONFIG = "{selector: {matchLabels: {app: web}}, concurrency: 2, environmentVariables: {A: b}, image: {imageType: debug}}"

WHOLE = {
    "DestinationRule": DESTINATION_RULE, "Gateway": GATEWAY, "ProxyConfig": PROXY_CONFIG, "ServiceEntry": SERVICE_ENTRY, "Sidecar": SIDECAR,
    "VirtualService": VIRTUAL_SERVICE, "WorkloadEntry": WORKLOAD_ENTRY, "WorkloadGroup": WORKLOAD_GROUP,
}
"""A spec of each kind that has no error, with every field that has a value of its own."""
