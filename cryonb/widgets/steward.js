// Roles and keys of the page. Widgets say what they are by their classes; this gives each the attributes that
// screen readers look for, and lets arrows, Enter and Escape do what people expect of tabs, lists and panels.

const REGIONS = {
  ".cryonb-app": ["region", "cryonb"],
  ".cryonb-header": ["banner", "What is open"],
  ".cryonb-side": ["region", "Settings and runs"],
  ".cryonb-main": ["region", "Results"],
  ".cryonb-runs": ["group", "Runs"],
  ".cryonb-drawer": ["dialog", "Files"],
  ".cryonb-live": ["status", ""],
  ".cryonb-alert": ["alert", ""],
};
const TABS = ".cryonb-tabs", CHOICES = ".cryonb-choice", BUTTON = "button.jupyter-button, button.widget-toggle-button";

function set(element, name, value) {
  // Writing only what differs keeps the observer from waking itself.
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

function all(root, selector) {
  return [...(root.matches(selector) ? [root] : []), ...root.querySelectorAll(selector)];
}

function choices(root, selector, role, itemRole, flag) {
  for (const group of root.querySelectorAll(selector)) {
    const buttons = [...group.querySelectorAll("button")];
    const list = buttons.length ? buttons[0].parentElement : group;
    set(list, "role", role);
    if (role === "tablist") set(list, "aria-label", "Views");
    for (const button of buttons) {
      const chosen = button.classList.contains("mod-active");
      set(button, "role", itemRole);
      set(button, flag, String(chosen));
      set(button, "tabindex", chosen ? "0" : "-1");
    }
  }
}

function label(root) {
  for (const [selector, [role, words]] of Object.entries(REGIONS)) {
    for (const element of all(root, selector)) {
      set(element, "role", role);
      if (words) set(element, "aria-label", words);
    }
  }
  choices(root, TABS, "tablist", "tab", "aria-selected");
  choices(root, CHOICES, "radiogroup", "radio", "aria-checked");
  for (const head of root.querySelectorAll("button.cryonb-fold-head")) {
    set(head, "aria-expanded", String(head.classList.contains("mod-active")));
  }
  for (const quiet of root.querySelectorAll("button.cryonb-quiet[title]")) set(quiet, "aria-label", quiet.title);
  for (const list of root.querySelectorAll(".cryonb-entries select")) set(list, "aria-label", "Files and folders");
  for (const field of root.querySelectorAll(".cryonb-filter input")) set(field, "aria-label", "Filter names");
  for (const field of root.querySelectorAll(".cryonb-run-name input")) set(field, "aria-label", "New name");
  for (const bar of root.querySelectorAll(".cryonb-progress-bar .progress")) set(bar, "aria-hidden", "true");
}

function nameRuns(root) {
  // A name that is about to be typed is ready to be typed over.
  for (const field of root.querySelectorAll(".cryonb-run-name input")) {
    const seen = field.offsetParent !== null;
    if (seen && !field.dataset.seen) field.select();
    if (seen) field.dataset.seen = "yes";
    else delete field.dataset.seen;
  }
}

function move(event) {
  const group = event.target.closest(`${TABS}, ${CHOICES}`);
  if (!group || event.target.tagName !== "BUTTON") return;
  const buttons = [...group.querySelectorAll("button")], at = buttons.indexOf(event.target), last = buttons.length - 1;
  const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at ? at - 1 : last, Home: 0, End: last }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  buttons[to].focus();
  buttons[to].click();
}

function press(root, selector) {
  const button = root.querySelector(selector);
  if (button && !button.disabled) button.click();
}

// JupyterLab has the kernel hear what is typed in one thread and what is pressed in another, so that Run may overtake
// the setting that was changed before it. All of it goes to the main thread, in the order in which it was done.
function inOrder(kernel) {
  if (kernel && "commsOverSubshells" in kernel) kernel.commsOverSubshells = "disabled";
}

export default {
  render({ model, el }) {
    inOrder(model.widget_manager && model.widget_manager.kernel);
    let root = null, asked = 0, back = null, wasOpen = false;

    function tend() {
      asked = 0;
      if (!root) return;
      label(root);
      nameRuns(root);
      const drawer = root.querySelector(".cryonb-drawer");
      const open = !!drawer && drawer.offsetParent !== null;
      if (open && !wasOpen) {
        back = document.activeElement;
        const first = drawer.querySelector(".cryonb-dialog input, .cryonb-save input, .cryonb-export input");
        const seen = [...drawer.querySelectorAll("input, select")].find((one) => one.offsetParent !== null);
        (seen || first || drawer).focus();
      } else if (!open && wasOpen && back && back.isConnected) {
        back.focus();
      }
      wasOpen = open;
    }

    function own(event) {
      // The notebook's own keys stay out of the page; it looks at the element that has the focus, and at no other first.
      set(event.target, "data-lm-suppress-shortcuts", "true");
    }

    function later() {
      if (!asked) asked = requestAnimationFrame(tend);
    }

    function key(event) {
      move(event);
      if (event.key === "Escape" && event.target.closest(".cryonb-drawer")) press(root, ".cryonb-drawer-close");
      if (event.key === "Enter" && event.target.matches(".cryonb-entries select")) press(root, ".cryonb-entries-open");
    }

    function double(event) {
      if (event.target.closest(".cryonb-entries select")) press(root, ".cryonb-entries-open");
    }

    function click(event) {
      if (!event.target.closest(".cryonb-copy")) return;
      const cell = root.querySelector(".cryonb-cell textarea");
      cell.select();
      if (navigator.clipboard) navigator.clipboard.writeText(cell.value).catch(() => document.execCommand("copy"));
      else document.execCommand("copy");
    }

    const watcher = new MutationObserver(later);
    const start = setInterval(() => {
      root = el.closest(".cryonb-app");
      if (!root) return;
      clearInterval(start);
      watcher.observe(root, { childList: true, subtree: true, attributes: true, attributeFilter: ["class", "title", "style"] });
      root.addEventListener("focusin", own);
      root.addEventListener("keydown", key, true); // before fields of text keep keys to themselves
      root.addEventListener("dblclick", double);
      root.addEventListener("click", click);
      later();
    }, 50);

    return () => {
      clearInterval(start);
      watcher.disconnect();
      if (!root) return;
      root.removeEventListener("focusin", own);
      root.removeEventListener("keydown", key, true);
      root.removeEventListener("dblclick", double);
      root.removeEventListener("click", click);
    };
  },
};
