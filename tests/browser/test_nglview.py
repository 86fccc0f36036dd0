"""The pinned nglview draws in this browser: nothing else would say that a release of it does not."""

import cells
import pixels

SURFACE = """
import io, mrcfile, numpy, nglview, ipywidgets
z, y, x = numpy.mgrid[-16:16, -16:16, -16:16]
path = "ball.mrc"
with mrcfile.new(path, overwrite=True) as file:
    file.set_data(numpy.exp(-(x**2 + y**2 / 2 + z**2 / 4) / 20).astype("f4"))
    file.voxel_size = 2.0
view = nglview.NGLWidget(width="300px", height="300px")
display(view)
"""
LOAD = """
FIT = ("const s=this.stage; const go=()=>{const c=s.compList[0]; const r=c&&c.reprList[0];"
       "if(r&&r.repr.bufferList.length&&!s.tasks.count){s.autoView(0);} else setTimeout(go,20)}; go()")
view.add_component(path, default_representation=False)
view._remote_call("addRepresentation", target="compList", args=["surface"], fire_once=True,
                  kwargs=dict(component_index=0, isolevel=0.4, isolevelType="value", color="steelblue"))
view._js(FIT, fire_once=True)
"""


def test_a_surface_has_colour(notebook, root):
    notebook.open(cells.write(root / "surface.ipynb", SURFACE, LOAD))
    notebook.run_all()
    canvas = notebook.page.locator(".jp-OutputArea canvas").first
    notebook.wait_until(lambda: pixels.coloured(pixels.picture(canvas)) > 2000, 30, "the surface has colour")
    notebook.shoot("nglview")
    assert not notebook.traffic.complaints
    assert not notebook.traffic.foreign(notebook.address)
