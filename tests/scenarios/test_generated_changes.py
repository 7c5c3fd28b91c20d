"""A change that is refused has changed nothing: neither an object, nor a byte of the rules of a Node.

Refusals of every kind stand in tables: words that no verb understands, values that no field takes, wishes that contradict what
is there, and sets of objects of which only the last one is wrong.
"""

from __future__ import annotations

import subprocess

import pytest

from netlab.store.paths import STATE_ROOT

POD = """
apiVersion: v1
kind: Pod
metadata: {name: %s, labels: {app: web}}
spec: {terminationGracePeriodSeconds: 0, containers: [{name: main, image: host, command: [sleep, infinity]}]}
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {selector: {app: web}, ports: [%s]%s}\n"
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {key: value}\n"
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: many}
spec:
  replicas: 2
  selector: {matchLabels: {app: %s}}
  template:
    metadata: {labels: {app: %s}}
    spec: {terminationGracePeriodSeconds: 0, containers: [{name: main, image: host, command: [sleep, infinity]}]}
"""
PRESENT = "---\n".join(
    [POD % "web", SERVICE % ("web", "{port: 80}", ", type: NodePort"), CONFIG % "settings", DEPLOYMENT % ("many", "many")]
)
NEW = "---\n".join([CONFIG % "fresh", POD % "fresh", SERVICE % ("fresh", "{port: 80}", "")])

# Lines as they are typed; spaces part words.
LINES = """
label pod web app=other / label pod web =x / label pod web a=b/c / label pods a=b / label nonsense web a=b
label pod none a=b / label pod web a- a=b / label pod web a=b --dry-run=maybe / label --all a=b / label pod web -l app=web a=b
annotate pod web note / annotate pod web /=x / annotate pod none note=x / annotate pods note=x / annotate cm settings a=b --all
scale deploy/many --replicas=-1 / scale deploy/many --replicas=x / scale deploy/many / scale pod/web --replicas=2
scale deploy/none --replicas=2 / scale deploy/many --replicas=5 --current-replicas=7 / scale cm/settings --replicas=1
set image deploy/many main / set image deploy/many none=host / set image deploy/many main= / set image svc/web main=host
set image deploy/none main=host / set env deploy/many A / set env deploy/many =x
set env deploy/many --from=configmap/none / set env deploy/many --from=secret/settings / set env svc/web A=1 / set env pod/none A=1
run web -- true / run Web -- true / run ../x -- true / run fresh / run fresh --image=NGINX -- true / run fresh --port=0 -- true
run fresh --env=A -- true / run fresh --labels=a -- true / run fresh --restart=Sometimes -- true / run fresh --expose -- true
run fresh -n none -- true / run fresh -it -- true / run web --port=80 --expose -- true
expose pod web --port=80 / expose pod none --port=80 --name=fresh / expose pod web --port=70000 --name=fresh
expose pod web --name=fresh / expose cm settings --port=80 --name=fresh / expose pod web --port=80 --name=Fresh
expose pod web --port=80 --name=fresh --cluster-ip=1.2.3.4 / expose pod web --port=80 --name=fresh --cluster-ip=10.96.0.10
expose deploy many --port=80 --name=fresh --type=LoadBalancer / expose deploy many --port=80 --name=fresh --selector=a
delete pod none / delete namespace default / delete node node-1 / delete pods / delete pod web --all / delete nonsense web
delete pod web --grace-period=-5 / delete pod web --timeout=soon / delete pod web -o yaml / delete pod web -n none / delete
delete pod,cm web settings none --field-selector=a=b / delete svc -l a=(b / delete pod web --cascade=nonsense
up --nodes 0 / up --nodes 65 / up --nodes none / up -f none.yaml / up web / apply / apply -f none.yaml / apply -f /dev/null
"""
SETS = {
    "a kind that nobody knows": NEW + "---\napiVersion: v1\nkind: Nonsense\nmetadata: {name: x}\n",
    "a field that nobody knows": f"{NEW}---\n{CONFIG % 'x'}nonsense: 1\n",
    "a field that is missing": NEW + "---\napiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: []}\n",
    "a port that is none": f"{NEW}---\n{SERVICE % ('x', '{port: 70000}', '')}",
    "a name that is none": f"{NEW}---\n{CONFIG % 'Not_A_Name'}",
    "the same object twice": f"{NEW}---\n{CONFIG % 'fresh'}",
    "no YAML": f"{NEW}---\n[\n",
    "a Namespace that is not there": f"{NEW}---\n{CONFIG % 'x, namespace: none'}",
    "a ClusterIP that is taken": f"{NEW}---\n{SERVICE % ('x', '{port: 80}', ', clusterIP: 10.96.0.10')}",
    "a ClusterIP of another range": f"{NEW}---\n{SERVICE % ('x', '{port: 80}', ', clusterIP: 10.1.0.1')}",
    "a NodePort that is taken": f"{NEW}---\n{SERVICE % ('x', '{port: 80, nodePort: %d}', ', type: NodePort')}",
    "a Node, which only up makes": NEW + "---\napiVersion: v1\nkind: Node\nmetadata: {name: node-9}\n",
    "a Lab, which only up makes": NEW + "---\napiVersion: netlab/v1\nkind: Lab\nmetadata: {name: x}\n",
    "a selector that would change": f"{NEW}---\n{DEPLOYMENT % ('other', 'other')}",
    "a selector that selects nothing": f"{NEW}---\n{DEPLOYMENT.replace('many', 'x') % ('a', 'b')}",
    "a Pod that would become another": f"{NEW}---\n{(POD % 'web').replace('spec: {', 'spec: {hostname: other, ')}",
}


class Laboratory:
    """A lab of one Node with an object of each kind, and all of it as text."""

    def __init__(self, program):
        self.program = program
        program("up", "--nodes", "1", "-q")
        program.apply(PRESENT)
        program("wait", "--for=condition=Available", "deploy/many")
        program("wait", "--for=condition=Ready", "pod", "--all", "-A")
        self.node_port = program.json("service", "web")["spec"]["ports"][0]["nodePort"]
        self.before = self.everything()

    def everything(self):
        """Return all objects, as they are printed; the rules of the Node; the files of the lab."""
        rules = ["ip", "netns", "exec", f"{self.program.lab}.node-1", "nft", "list", "ruleset"]
        listed = subprocess.run(rules, capture_output=True, text=True, check=True).stdout
        files = sorted(str(path) for path in (STATE_ROOT / self.program.lab).rglob("*"))
        return self.program("get", "all,configmaps,nodes,namespaces,endpointslices", "-A", "-o", "json"), listed, files


@pytest.fixture(scope="module")
def laboratory(module_program):
    return Laboratory(module_program)


@pytest.fixture
def unchanged(laboratory):
    """What the test does to the lab leaves everything as it was."""
    yield laboratory.program
    before, laboratory.before = laboratory.before, laboratory.everything()
    assert laboratory.before == before


def must_be_refused(done):
    assert done.code in {1, 2}, (done.out, done.err)
    assert done.out == ""
    assert done.err.strip()
    assert "Traceback" not in done.err


@pytest.mark.parametrize("line", [line.strip() for line in LINES.replace("\n", " / ").split(" / ") if line.strip()])
def test_a_line_that_is_refused_changes_nothing(unchanged, line):
    verb, *words = line.split()
    must_be_refused(unchanged.run(verb, *words))


@pytest.mark.parametrize("text", [pytest.param(text, id=f"the last has {what}") for what, text in SETS.items()])
@pytest.mark.parametrize("dry_run", ["none", "server"])
def test_of_a_set_with_a_fault_nothing_is_applied(unchanged, laboratory, text, dry_run):
    filled = text % laboratory.node_port if "%d" in text else text
    must_be_refused(unchanged.run("apply", "-f", "-", f"--dry-run={dry_run}", stdin=filled))


def test_what_only_asks_changes_nothing(unchanged):
    for line in ("apply -f - --dry-run=server", "diff -f -", "apply -f - --dry-run=client"):
        done = unchanged.run(*line.split(), stdin=NEW)
        assert done.code == (1 if line.startswith("diff") else 0), done.err
