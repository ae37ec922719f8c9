/* The current heart in 3D, drawn by NiiVue: cavities solid, myocardium translucent, the shown slice as a plane.

Surfaces are made here, from the label sprites. Between two slices lies the outline half-way between theirs
(signed distances are interpolated), so thick slices make no stairs. Coordinates are millimetres about the
middle of the stack: x to the patient's right, y to the front, z to the base. */
const heart3d = (() => {
  const NEAR_MM = 6, STEP_MM = 2, WHITE = [255, 255, 255, 255];
  /* Name and colour, structures inside, opacity, and millimetres of growth: the outer wall must not coincide with the
     cavity's basal end. */
  const SURFACES = [["LV", ["LV"], 1, 0], ["RV", ["RV"], 1, 0], ["MYO", ["LV", "MYO"], .38, .4]];
  /* The slice is as white from every side: it has no light and shade. */
  const UNLIT = `#version 300 es
precision highp float;
uniform float opacity;
in vec4 vClr;
out vec4 color;
void main() { color = vec4(vClr.rgb, opacity); }`;
  let viewer = null, shown = null;

  /* NiiVue lies in the page compressed, and runs when it is first asked for. */
  async function load(canvas) {
    if (!canvas.getContext("webgl2", {antialias: true})) throw new Error("it needs WebGL 2, which this browser does not offer here");
    if (!window.DecompressionStream) throw new Error("it needs a browser of 2023 or later");
    const packed = Uint8Array.from(atob($("niivue").textContent), letter => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    document.head.append(element("script", {textContent: await new Response(stream).text()}));
    const view = new niivue.Niivue({backColor: [.043, .059, .078, 1], dragAndDropEnabled: false, loadingText: "", logLevel: "error",
      viewModeHotKey: "", clipPlaneHotKey: "", cycleClipPlaneHotKey: "", isOrientationTextVisible: false, sliceType: 4});
    await view.attachToCanvas(canvas);
    view.setCustomMeshShader(UNLIT, "Unlit");
    view.setRenderAzimuthElevation(195, 15);
    return view;
  }

  /* Label ids, slices first, from the colours of a sprite; null until it is decoded. */
  function labelIds(stack) {
    const image = sprite(stack, "labels");
    if (!image) return null;
    const {width, height} = image, context = element("canvas", {width, height}).getContext("2d");
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, width, height).data, ids = new Uint8Array(stack.slices * SIZE * SIZE);
    const idOf = new Map(DATA.structures.map(({id, colour}) => [parseInt(colour.slice(1), 16), id]));
    for (let k = 0, i = 0; k < stack.slices; k++)
      for (let y = 0; y < SIZE; y++)
        for (let x = 0; x < SIZE; x++, i++) {
          const p = 4 * ((Math.floor(k / COLUMNS) * SIZE + y) * width + k % COLUMNS * SIZE + x);
          if (pixels[p + 3]) ids[i] = idOf.get(pixels[p] << 16 | pixels[p + 1] << 8 | pixels[p + 2]);
        }
    return ids;
  }

  /* Pixels from each pixel to the nearest one of the mask: two passes, steps of 1 and root 2. Lines follow each other
     without a border, which matters within NEAR_MM of it only. */
  const NEIGHBOURS = [1, SIZE, SIZE + 1, SIZE - 1], LENGTHS = [1, 1, Math.SQRT2, Math.SQRT2];
  function distance(mask) {
    const d = Float32Array.from(mask, inside => inside ? 0 : 1e3), last = d.length - 1;
    for (const sign of [1, -1])
      for (let n = 0; n <= last; n++) {
        const i = sign > 0 ? n : last - n;
        for (let j = 0; j < 4; j++) {
          const other = d[i - sign * NEIGHBOURS[j]] + LENGTHS[j];  // NaN beyond the first and the last pixel
          if (other < d[i]) d[i] = other;
        }
      }
    return d;
  }

  /* Millimetres into a structure, per slice: negative outside, and NEAR_MM at most, so that it ends about half a slice
     beyond its last one. */
  function depth(inside, pixelMm) {
    if (!inside.includes(1)) return Float32Array.from(inside, () => -NEAR_MM);
    const out = distance(inside), into = distance(inside.map(value => !value));
    const sharp = out.map((value, i) => Math.max(-NEAR_MM, Math.min(NEAR_MM, (into[i] - value + (inside[i] ? -.5 : .5)) * pixelMm)));
    return blurred(blurred(sharp, 1), SIZE);
  }
  function blurred(values, step) {
    const last = values.length - 1;
    return values.map((value, i) => (2 * value + values[Math.max(i - step, 0)] + values[Math.min(i + step, last)]) / 4);
  }

  /* A volume with layers about STEP_MM apart, by cubic interpolation between slices and nothing before and after them. */
  function resampled(slices, spacingMm) {
    const nothing = slices[0].map(() => -NEAR_MM), all = [nothing, ...slices, nothing];
    const count = Math.ceil((all.length - 1) * spacingMm / STEP_MM) + 1, step = (all.length - 1) / (count - 1);
    const values = new Float32Array(count * SIZE * SIZE);
    for (let n = 0; n < count; n++) {
      const k = Math.min(Math.floor(n * step), all.length - 2), t = n * step - k;
      const [a, b, c, d] = [-1, 0, 1, 2].map(j => all[clamp(k + j, 0, all.length - 1)]);
      for (let i = 0, o = n * SIZE * SIZE; i < b.length; i++)
        values[o + i] = b[i] + t / 2 * (c[i] - a[i] + t * (2 * a[i] - 5 * b[i] + 4 * c[i] - d[i] + t * (3 * (b[i] - c[i]) + d[i] - a[i])));
    }
    return {values, stepMm: step * spacingMm};
  }

  /* Surface nets: a vertex in each cell that the surface crosses, at the mean of the crossings of its edges;
     a quadrangle about each edge that is crossed. */
  const CORNERS = [0, 1, 2, 3, 4, 5, 6, 7].map(c => [c & 1, c >> 1 & 1, c >> 2]), STRIDES = [1, SIZE, SIZE * SIZE];
  const OFFSETS = CORNERS.map(corner => corner.reduce((sum, step, axis) => sum + step * STRIDES[axis], 0));
  const EDGES = CORNERS.flatMap((_, a) => [0, 1, 2].filter(axis => !CORNERS[a][axis]).map(axis => [a, a | 1 << axis]));
  function surface(values) {
    const points = [], triangles = [], vertices = new Map();
    for (let cell = 0; cell < values.length - OFFSETS[7]; cell++) {
      const inside = values[cell] > 0;
      if (OFFSETS.every(offset => values[cell + offset] > 0 === inside)) continue;
      const sum = [0, 0, 0], f = OFFSETS.map(offset => values[cell + offset]), crossed = EDGES.filter(([a, b]) => f[a] > 0 !== f[b] > 0);
      for (const [a, b] of crossed)
        for (let axis = 0; axis < 3; axis++) sum[axis] += CORNERS[a][axis] + f[a] / (f[a] - f[b]) * (CORNERS[b][axis] - CORNERS[a][axis]);
      vertices.set(cell, points.length / 3);
      const start = [cell % SIZE, Math.floor(cell / SIZE) % SIZE, Math.floor(cell / STRIDES[2])];
      points.push(...sum.map((total, axis) => start[axis] + total / crossed.length));
      for (let axis = 0; axis < 3; axis++) {
        if (inside === f[1 << axis] > 0) continue;
        const u = STRIDES[(axis + 1) % 3], v = STRIDES[(axis + 2) % 3];
        const [p, q, r, s] = [cell - u - v, cell - v, cell, cell - u].map(each => vertices.get(each));
        triangles.push(...(inside ? [p, q, r, p, r, s] : [p, r, q, p, s, r]));
      }
    }
    return {points, triangles};
  }

  function add(name, points, triangles, colour, opacity, shader = "Diffuse") {
    const mesh = new niivue.NVMesh(new Float32Array(points), new Uint32Array(triangles), name, new Uint8Array(colour), opacity, true, viewer.gl);
    viewer.addMesh(mesh);
    viewer.setMeshShader(mesh.id, shader);
  }

  function addSurface(stack, ids, [name, parts, opacity, growthMm]) {
    const wanted = DATA.structures.filter(s => parts.includes(s.name)).map(s => s.id), [dx, dy, dz] = stack.spacing_mm;
    const slices = Array.from({length: stack.slices}, (_, k) =>
      depth(Uint8Array.from(ids.subarray(k * SIZE * SIZE, (k + 1) * SIZE * SIZE), id => wanted.includes(id)), dx).map(mm => mm + growthMm));
    const {values, stepMm} = resampled(slices, dz), {points, triangles} = surface(values);
    if (!triangles.length) return;
    const start = -(stack.slices + 1) / 2 * dz, middle = (SIZE - 1) / 2;
    for (let i = 0; i < points.length; i += 3) {
      points[i] = (middle - points[i]) * dx;
      points[i + 1] = (middle - points[i + 1]) * dy;
      points[i + 2] = start + points[i + 2] * stepMm;
    }
    const colour = DATA.structures.find(s => s.name === name).colour;
    add(name, points, triangles, [...colour.slice(1).match(/../g).map(pair => parseInt(pair, 16)), 255], opacity);
  }

  /* The shown slice, and two points that keep the scale the same for all hearts. */
  function addPlane(stack) {
    const half = SIZE / 4 * stack.spacing_mm[0], z = (sliceOf(stack) - (stack.slices - 1) / 2) * stack.spacing_mm[2];
    const reach = Math.max(...SUBJECTS.map(stackOf).filter(Boolean).map(t => t.slices * t.spacing_mm[2] / 2));
    const corners = [[-half, -half], [half, -half], [half, half], [-half, half]].flatMap(corner => [...corner, z]);
    add("slice", [...corners, -half, -half, -reach, half, half, reach], [0, 1, 2, 0, 2, 3, 0, 2, 1, 0, 3, 2, 4, 4, 4, 5, 5, 5], WHITE, .3, "Unlit");
  }

  function draw() {
    const stack = stackOf(SUBJECTS[state.subject]), ids = stack && labelIds(stack);
    if (stack && !ids) return;
    const fresh = shown !== stack;
    for (const mesh of viewer.meshes.filter(mesh => fresh || mesh.name === "slice")) viewer.removeMesh(mesh);
    if (stack && fresh) for (const each of SURFACES) addSurface(stack, ids, each);
    if (stack) addPlane(stack);
    shown = stack;
    viewer.drawScene();
  }

  return {
    async show(canvas) { viewer ??= await load(canvas); draw(); },
    update() { if (viewer) draw(); },
  };
})();
