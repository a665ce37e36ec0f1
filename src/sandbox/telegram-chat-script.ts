/**
 * What the page of one chat does in the browser. It asks for news and waits for the answer until there are some;
 * everything works without it too, by hand.
 */
export const CHAT_SCRIPT = `
const base = document.body.dataset.chat;
const main = document.querySelector("main");
const problem = document.getElementById("problem");
const toEnd = () => { main.scrollTop = main.scrollHeight; };
let goesToEnd = false;
const show = (view) => {
  const isAtEnd = goesToEnd || main.scrollHeight - main.scrollTop - main.clientHeight < 80;
  document.body.dataset.state = view.state;
  document.getElementById("status").textContent = view.status;
  document.getElementById("menu").innerHTML = view.menu;
  main.innerHTML = view.messages;
  if (isAtEnd) toEnd();
  goesToEnd = false;
};
const watch = async () => {
  for (let version = ""; ; ) {
    try {
      const answer = await fetch(base + "/view" + (version === "" ? "" : "?after=" + version), { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.statusText);
      const view = await answer.json();
      if (view.version !== version) show(view);
      version = view.version;
      document.body.dataset.live = "yes";
    } catch {
      document.body.dataset.live = "no";
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
};
main.addEventListener("load", toEnd, { capture: true, once: true });
toEnd();
watch();
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form, event.submitter));
    body.set("live", "yes");
    const answer = await fetch(base, { method: "POST", body });
    problem.textContent = answer.ok ? "" : await answer.text();
    if (!answer.ok) return;
    form.reset();
    if (body.get("act") === "start") delete document.body.dataset.link;
    goesToEnd = true;
    toEnd();
  });
}
`;
