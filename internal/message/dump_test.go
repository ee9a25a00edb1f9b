package message_test
import ("testing";"os";"net/mail";"mime/multipart";"mime";"io";"bytes";"mime/quotedprintable";"strings"; "deltag/internal/deltag")
func TestDump(t *testing.T){
 os.MkdirAll("/tmp/mails",0o755)
 for _,lang:=range deltag.Languages { for name,s:=range scenes(lang){
  raw,err:=composer.Compose(s.Letter,s.at); if err!=nil{t.Fatal(name,err)}
  os.WriteFile("/tmp/mails/"+name+"-"+string(lang)+".eml",raw,0o644)
  m,err:=mail.ReadMessage(bytes.NewReader(raw)); if err!=nil{t.Fatal(err)}
  var walk func(ct, enc string, r io.Reader)
  walk=func(ct,enc string,r io.Reader){ mt,p,_:=mime.ParseMediaType(ct)
   if strings.HasPrefix(mt,"multipart/"){ mr:=multipart.NewReader(r,p["boundary"]); for{ part,err:=mr.NextRawPart(); if err!=nil{break}; walk(part.Header.Get("Content-Type"),part.Header.Get("Content-Transfer-Encoding"),part)}; return}
   if enc=="quoted-printable"{r=quotedprintable.NewReader(r)}
   b,_:=io.ReadAll(r); ext:=map[string]string{"text/html":"html","text/plain":"txt"}[mt]; if ext!=""{os.WriteFile("/tmp/mails/"+name+"-"+string(lang)+"."+ext,b,0o644)}
  }
  walk(m.Header.Get("Content-Type"),m.Header.Get("Content-Transfer-Encoding"),m.Body)
 }}
}
