from tests.unit.edge_runtime.cli.test_workflow_commands import *
from tests.unit.edge_runtime.cli.conftest import world
def test_look(ward, capsys):
    do(ward, "new", "encounter", "--title", "Fever")
    do(ward, "step", "vitals", "--document", "encounter", "--to", "completed", "--minutes", "4")
    do(ward, "step", "history", "--document", "encounter", "--to", "in_progress")
    state(ward, "encounter", '{"kind":"diagnosis","text":"Influenza"}')
    do(ward,"sign","--document","encounter","--yes")
    write(ward,"encounter","plan","rest")
    outs=[ward.run("workflow","show",ward.chart,"--home","tablet").out, ward.run("workflow","--help").out, ward.run("workflow","templates","lab_order").out, ward.run("workflow","complete",ward.chart,"--document","encounter","--home","tablet")]
    with capsys.disabled():
        for o in outs: print(o if isinstance(o,str) else o.out+o.err)
