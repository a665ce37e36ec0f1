/** How the pages of the chats look, by day and by night. */
export const CHAT_STYLE = `
:root{color-scheme:light dark;--back:#dfe7ec;--page:#fff;--ink:#111;--soft:#5d6a73;--bot:#fff;--own:#e3fbd0;--line:#cfd8de;--accent:#1f7fd1;--danger:#c62828}
@media (prefers-color-scheme:dark){:root{--back:#0e1419;--page:#17212b;--ink:#f2f5f7;--soft:#93a3af;--bot:#1f2c38;--own:#2b5278;--line:#2b3945;--accent:#6ab7ff;--danger:#ff8a80}}
*{box-sizing:border-box}
html,body{height:100%;margin:0}
body{font:16px/1.4 system-ui,sans-serif;background:var(--back);color:var(--ink);display:flex;flex-direction:column;max-width:32rem;margin:0 auto}
a{color:var(--accent)}
.sandbox{background:#ffd84d;color:#222;padding:.35rem 1rem;font-size:.8rem}
header{background:var(--page);padding:.5rem 1rem;display:flex;align-items:center;gap:.75rem;border-bottom:1px solid var(--line)}
header .back{line-height:0;padding:.3rem}
header .name{flex:1;min-width:0}
header b,header small{display:block;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
small{color:var(--soft);font-size:.8rem}
main{flex:1;overflow-y:auto;padding:.75rem}
.day{text-align:center;color:var(--soft);font-size:.8rem;margin:.6rem 0}
article{display:flex;flex-direction:column;max-width:85%;margin:.35rem 0;align-items:stretch;width:fit-content}
article.person{margin-left:auto}
.bubble{background:var(--bot);border-radius:1rem 1rem 1rem .3rem;padding:.5rem .75rem;box-shadow:0 1px 1px rgb(0 0 0/.15);min-width:6rem}
.person .bubble{background:var(--own);border-radius:1rem 1rem .3rem 1rem}
.text{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
time{display:block;text-align:right;color:var(--soft);font-size:.72rem}
img{display:block;width:auto;height:auto;max-width:100%;border-radius:.6rem;margin-bottom:.35rem}
img.photo{max-height:20rem}
img.document{max-height:7rem}
.file{display:block;text-decoration:none;overflow-wrap:anywhere;margin-bottom:.2rem}
.file small{display:block}
.row{display:flex;gap:.25rem;margin-top:.25rem}
.button{flex:1;background:var(--bot);border-radius:.6rem;padding:.5rem;text-align:center;text-decoration:none;font-weight:600;overflow-wrap:anywhere;box-shadow:0 1px 1px rgb(0 0 0/.15)}
.button small{display:block;font-weight:400}
footer{background:var(--page);border-top:1px solid var(--line);padding:.6rem;display:flex;flex-direction:column;gap:.5rem}
form{display:flex;gap:.5rem;margin:0;align-items:center}
input{font:inherit;flex:1;min-width:0;padding:.6rem .8rem;border:1px solid var(--line);border-radius:1.2rem;background:var(--back);color:inherit}
button,.menu{font:inherit;border:0;border-radius:1.2rem;padding:.6rem 1rem;background:var(--accent);color:var(--page);cursor:pointer;text-decoration:none;white-space:nowrap}
button.wide{width:100%;font-weight:600}
button.quiet{background:none;color:var(--danger);padding:.4rem}
#problem{color:var(--danger);margin:0}
#problem:empty,#menu:empty{display:none}
.when{display:none}
body[data-state=started] .when.started,body[data-state=blocked] .when.blocked,body[data-state=never_started] .when.new,body[data-state=not_found] .when.new,body[data-link] .when.link{display:flex}
body[data-link] .when.new{display:none}
body[data-live=no] #status::after{content:" · the sandbox does not answer"}
.list{list-style:none;margin:0;padding:0}
.list li{background:var(--page);border-bottom:1px solid var(--line)}
.list a{display:block;padding:.7rem 1rem;text-decoration:none;color:inherit;overflow-wrap:anywhere}
.list small{display:block}
`;
